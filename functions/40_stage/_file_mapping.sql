-- Decides which field of a file goes to which column: what the caller said; where nothing was
-- said, what a saved mapping for files with this header says; else what the names suggest. A
-- constant or the assignment of the job fills its column whatever the others say. Returns the
-- mapping, one element a field, and the warnings for a person.
-- p_given: the caller's mapping, null where nothing was said. p_job: null for a mere suggestion.
-- Called by stage_file, set_mapping and suggest_mapping. Raises PI201, PI205, PI207.
CREATE OR REPLACE FUNCTION pgimport._file_mapping(
    p_target pgimport.target,
    p_header text[],
    p_given jsonb,
    p_job pgimport.job,
    p_threshold real DEFAULT 0.7,
    OUT mapping jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- compiling takes longer than running
SET jit = off
AS $_file_mapping$
DECLARE
    -- columns the job fills by itself, with what fills them
    v_fixed jsonb := pgimport._fixed_columns(p_job);
    v_given jsonb := coalesce(p_given, '{}');
    v_source text := p_job.options -> 'assignment' ->> 'source_column';
    v_notes jsonb := '[]'::jsonb;
    v_twice text;
    r_saved record;
    r_match record;
BEGIN
    SELECT s.* INTO r_saved
    FROM pgimport._saved_mapping(p_target.target_id, p_job.tenant, p_header) AS s;
    IF r_saved.label IS NOT NULL THEN
        v_notes := jsonb_build_array(CASE
            WHEN p_given IS NOT NULL THEN format(
                'the saved mapping %s was not used: the job has its own', r_saved.label)
            WHEN r_saved.misfit IS NOT NULL THEN format(
                'the saved mapping %s was not used: %s', r_saved.label, r_saved.misfit)
            ELSE format('the saved mapping %s was used', r_saved.label)
        END);
    END IF;
    IF p_given IS NULL THEN
        v_given := coalesce(r_saved.mapping, '{}');
    END IF;
    SELECT m.* INTO STRICT r_match
    FROM pgimport._match_header(p_target.target_id, p_header, p_threshold) AS m;

    WITH field AS MATERIALIZED (
        SELECT
            h.*,
            -- a header that stands twice counts once, at its first place
            CASE WHEN h.place = min(h.place) OVER (PARTITION BY h.header)
                THEN v_given -> h.header END AS said
        FROM unnest(p_header, r_match.columns, r_match.scores, r_match.hows)
            WITH ORDINALITY AS h (header, column_name, score, how, place)
    ),

    -- columns that the caller gave to some field of this file
    claim AS MATERIALIZED (
        SELECT f.place, c.column_name
        FROM field AS f
        CROSS JOIN LATERAL (
            SELECT f.said #>> '{}' AS column_name WHERE jsonb_typeof(f.said) = 'string'
            UNION ALL
            SELECT f.said ->> 'column' WHERE jsonb_typeof(f.said) = 'object'
            UNION ALL
            SELECT s.column_name
            FROM jsonb_array_elements_text(
                    CASE WHEN jsonb_typeof(f.said) = 'object' THEN f.said -> 'columns' END
                ) AS s (column_name)
        ) AS c
        WHERE c.column_name IS NOT NULL
    ),

    decided AS (
        SELECT
            f.*,
            -- how the job fills the column, or all columns, that the field would go to
            CASE
                WHEN f.said IS NULL THEN v_fixed ->> f.column_name
                ELSE (
                    SELECT CASE WHEN bool_and(v_fixed ? c.column_name)
                        THEN min(v_fixed ->> c.column_name) END
                    FROM claim AS c WHERE c.place = f.place
                )
            END AS fixed_by,
            f.said IS NULL
            AND f.column_name IN (SELECT c.column_name FROM claim AS c) AS is_taken
        FROM field AS f
    ),

    chosen AS (
        SELECT
            d.place, d.header, d.fixed_by, d.column_name AS suggested,
            CASE
                WHEN d.fixed_by IS NOT NULL OR d.is_taken THEN NULL
                WHEN jsonb_typeof(d.said) = 'string' THEN d.said #>> '{}'
                WHEN d.said IS NULL THEN d.column_name
            END AS column_name,
            CASE WHEN d.fixed_by IS NULL AND jsonb_typeof(d.said) = 'object' THEN d.said
            END AS transform,
            CASE WHEN d.said IS NULL AND NOT d.is_taken THEN round(d.score::numeric, 3) END
                AS score,
            CASE
                WHEN d.fixed_by IS NOT NULL THEN d.fixed_by
                WHEN d.said IS NOT NULL THEN CASE WHEN p_given IS NULL THEN 'saved' ELSE 'given' END
                WHEN NOT d.is_taken THEN d.how
            END AS how
        FROM decided AS d
    )

    SELECT
        jsonb_agg(
            jsonb_build_object(
                'position', c.place,
                'header', c.header,
                'column', c.column_name,
                'staged_as', pgimport._staged_name(c.column_name, c.place::integer),
                'score', c.score,
                'how', c.how
            ) || CASE WHEN c.transform IS NULL THEN '{}'
                ELSE jsonb_build_object('transform', c.transform) END
            ORDER BY c.place
        ),
        coalesce(jsonb_agg(to_jsonb(
            format('field "%s" is not used: the job %s', c.header, CASE c.fixed_by
                WHEN 'constant' THEN 'gives that column as a constant'
                ELSE 'assigns that column' END)
        ) ORDER BY c.place) FILTER (
            WHERE c.fixed_by = 'constant' OR (
                c.fixed_by = 'assignment'
                AND pgimport._spelling(c.header) IS DISTINCT FROM pgimport._spelling(v_source)
            )
        ), '[]')
        || CASE
            WHEN v_source IS NULL OR bool_or(
                pgimport._spelling(c.header) = pgimport._spelling(v_source)
            ) THEN '[]'::jsonb
            ELSE jsonb_build_array(format(
                'the file has no field "%s", by which its rows are to be assigned', v_source
            ))
        END
    INTO mapping, warnings
    FROM chosen AS c;

    SELECT m.column_name INTO v_twice
    FROM pgimport._mapped_columns(mapping) AS m
    WHERE NOT v_fixed ? m.column_name
    GROUP BY m.column_name
    HAVING count(*) > 1 AND bool_or(m.kind <> 'part')
    ORDER BY 1 LIMIT 1;
    IF v_twice IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('two fields of the file go to column "%s"', v_twice),
            DETAIL = format('mapping: %s', mapping),
            HINT = 'map one of them to null: {"header": null}, or join them: '
                '{"header": {"column": "…", "part": 1}, …}';
    END IF;

    warnings := v_notes || warnings || r_match.warnings;
END;
$_file_mapping$;

COMMENT ON FUNCTION pgimport._file_mapping(pgimport.target, text[], jsonb, pgimport.job, real) IS
'internal: decides which field of a file goes to which column of the target.';

-- The columns that a job fills without any field: {"column": "constant" or "assignment"}.
-- Called by _file_mapping and _column_sources.
CREATE OR REPLACE FUNCTION pgimport._fixed_columns(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_fixed_columns$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(c.name, 'constant'), '{}')
        FROM jsonb_object_keys(p_job.options -> 'constants') AS c (name)
    ) || CASE
        WHEN p_job.options -> 'assignment' ->> 'mode' <> 'none'
            THEN jsonb_build_object(p_job.options -> 'assignment' ->> 'column', 'assignment')
        ELSE '{}'
    END;
END;
$_fixed_columns$;

COMMENT ON FUNCTION pgimport._fixed_columns(pgimport.job) IS
'internal: the columns that a job fills by a constant or by its assignment.';
