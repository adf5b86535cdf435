-- Says which field of a file goes to which column, as stage_file() would for a job that says
-- nothing itself: by a mapping that was saved for files with this header (saved), else by
-- comparing names: the same name (exact), the same letters and digits (normalised), an alias given
-- with set_column() or a common name in French or English (alias), or likeness from a threshold on
-- (similarity: twice the letters two names have in common over the sum of their lengths). A field
-- goes to one column at most and a column takes one field at most.
-- Called by users and the command "headers". Raises PI001, PI003, PI201, PI205.
CREATE OR REPLACE FUNCTION pgimport.suggest_mapping(
    p_target text,
    p_header text[],
    p_threshold real DEFAULT 0.7
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- compiling takes longer than running
SET jit = off
AS $suggest_mapping$
DECLARE
    r_target pgimport.target := pgimport._find_target(p_target);
    r_mapped record;
    v_mapping jsonb;
    v_unmapped jsonb;
    v_missing jsonb;
    v_warnings jsonb;
BEGIN
    IF cardinality(p_header) IS NULL OR cardinality(p_header) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no header given: "p_header" is null or empty',
            HINT = format(
                'select pgimport.suggest_mapping(%L, ''{first field,second field}'');', p_target
            );
    END IF;
    IF p_threshold IS NULL OR p_threshold NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_threshold" must be between 0 and 1, not %s', coalesce(p_threshold::text, 'null')
            ),
            HINT = 'Leave it out for the default 0.7.';
    END IF;

    SELECT m.* INTO STRICT r_mapped
    FROM pgimport._file_mapping(r_target, p_header, NULL, NULL, p_threshold) AS m;

    WITH field AS (
        SELECT
            m.value - 'staged_as' AS value,
            m.value ->> 'header' AS header,
            m.place,
            min(m.place) OVER (PARTITION BY m.value ->> 'header') AS first_place
        FROM jsonb_array_elements(r_mapped.mapping) WITH ORDINALITY AS m (value, place)
    )

    SELECT
        jsonb_agg(f.value ORDER BY f.place),
        coalesce(jsonb_agg(f.header ORDER BY f.place) FILTER (
            WHERE f.value ->> 'column' IS NULL AND NOT f.value ? 'transform'
        ), '[]'),
        coalesce(jsonb_agg(
            CASE
                WHEN f.header ~ '\S' THEN format(
                    'field "%s" stands twice, at %s and %s: the second is not imported',
                    f.header, f.first_place, f.place
                )
                ELSE format('field %s has no name and is not imported', f.place)
            END ORDER BY f.place
        ) FILTER (WHERE f.header ~ '\S' IS NOT TRUE OR f.first_place < f.place), '[]')
    INTO v_mapping, v_unmapped, v_warnings
    FROM field AS f;

    SELECT coalesce(jsonb_agg(c.column_name ORDER BY c.column_no), '[]')
    INTO v_missing
    FROM pgimport._target_columns(r_target.target_id) AS c
    WHERE c.required
        AND c.rules ->> 'default' IS NULL
        AND c.column_name NOT IN (
            SELECT m.column_name FROM pgimport._mapped_columns(r_mapped.mapping) AS m
        );

    RETURN pgimport._target_envelope(
        r_target,
        format(
            '%s of %s fields go to columns%s',
            cardinality(p_header) - jsonb_array_length(v_unmapped), cardinality(p_header),
            CASE
                WHEN v_missing = '[]' THEN ''
                ELSE format('; required and missing: %s', (
                    SELECT string_agg(format('"%s"', m.value), ', ')
                    FROM jsonb_array_elements_text(v_missing) AS m
                ))
            END
        ),
        jsonb_build_object(
            'mapping', v_mapping, 'unmapped', v_unmapped, 'missing_required', v_missing
        ),
        v_warnings || r_mapped.warnings
    );
END
$suggest_mapping$;

COMMENT ON FUNCTION pgimport.suggest_mapping(text, text[], real) IS
'Suggests which field of a file goes to which column of a target: saved, exact, normalised, alias '
'or similarity, each with its score; names unmapped fields and missing required columns. '
'Example: select pgimport.suggest_mapping(''codes'', ''{Merchant ID,Code,batch_id}'')';
