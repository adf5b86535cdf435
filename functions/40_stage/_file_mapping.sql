-- Decides which field of a file goes to which column: what the caller said, else what the names
-- suggest. Returns the mapping, one element a field, and the warnings for a person.
-- Called by stage_file and set_mapping. Raises PI207.
CREATE OR REPLACE FUNCTION pgimport._file_mapping(
    p_target pgimport.target,
    p_header text[],
    p_given jsonb,
    p_constants jsonb,
    OUT mapping jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_file_mapping$
DECLARE
    v_suggested jsonb := pgimport.suggest_mapping(p_target.name, p_header);
    v_twice text;
BEGIN
    WITH field AS (
        SELECT h.header, h.position::integer AS position, s.column_name, s.score, s.how
        FROM unnest(p_header) WITH ORDINALITY AS h (header, position)
        INNER JOIN LATERAL (
            SELECT m ->> 'column' AS column_name, m -> 'score' AS score, m ->> 'how' AS how
            FROM jsonb_array_elements(v_suggested -> 'mapping') AS m
            WHERE (m ->> 'position')::integer = h.position
        ) AS s ON true
    ),

    chosen AS (
        SELECT
            f.position,
            f.header,
            CASE
                -- a constant fills the column whatever the caller or the names say
                WHEN p_constants ? (p_given ->> f.header) THEN NULL
                -- said by the caller; a header that stands twice counts once, at its first place
                WHEN p_given ? f.header
                    AND f.position = min(f.position) OVER (PARTITION BY f.header)
                    THEN p_given ->> f.header
                WHEN p_constants ? f.column_name THEN NULL
                -- suggested, but the caller gave this column to another field
                WHEN f.column_name IN (
                    SELECT g.value FROM jsonb_each_text(p_given) AS g
                    WHERE g.key = ANY (p_header)
                ) THEN NULL
                ELSE f.column_name
            END AS column_name,
            CASE WHEN p_given ? f.header THEN 'null'::jsonb ELSE f.score END AS score,
            CASE
                WHEN p_constants ? (p_given ->> f.header) THEN 'constant'
                WHEN p_given ? f.header THEN 'given'
                WHEN p_constants ? f.column_name THEN 'constant'
                ELSE f.how
            END AS how
        FROM field AS f
    )

    SELECT
        jsonb_agg(
            jsonb_build_object(
                'position', c.position,
                'header', c.header,
                'column', c.column_name,
                'staged_as', pgimport._staged_name(c.column_name, c.position),
                'score', c.score,
                'how', c.how
            ) ORDER BY c.position
        ),
        coalesce(jsonb_agg(to_jsonb(
            format('field "%s" is not used: the job gives that column as a constant', c.header)
        ) ORDER BY c.position) FILTER (WHERE c.how = 'constant'), '[]'),
        (
            SELECT d.column_name FROM chosen AS d
            WHERE d.column_name IS NOT NULL
            GROUP BY d.column_name HAVING count(*) > 1
            LIMIT 1
        )
    INTO mapping, warnings, v_twice
    FROM chosen AS c;

    IF v_twice IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('two fields of the file go to column "%s"', v_twice),
            DETAIL = format('mapping: %s', mapping),
            HINT = 'map one of them to null: {"header": null}';
    END IF;

    warnings := warnings || coalesce(v_suggested -> 'warnings', '[]');
END;
$_file_mapping$;

COMMENT ON FUNCTION pgimport._file_mapping(pgimport.target, text[], jsonb, jsonb) IS
'internal: decides which field of a file goes to which column of the target.';
