-- What the fields of a file of corrected rows are, by the names that the reports of the job give
-- their columns: those of the report of issues first, then those of the other reports. One line a
-- field and place where its column is staged; files as in _report_fields().
-- kind: token, data, own (a column of the report itself), constant (of the job: cannot be changed)
-- or unknown.
-- Called by stage_fix() and apply_fix().
CREATE OR REPLACE FUNCTION pgimport._fix_columns(
    p_job pgimport.job,
    p_header text[]
)
RETURNS TABLE (
    place integer,
    header text,
    kind text,
    column_name text,
    is_sensitive boolean,
    staged_as text,
    files integer[]
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_fix_columns$
#variable_conflict use_column
DECLARE
    c_own CONSTANT text[] := '{file_name,line_no,row_no,is_internal_duplicate,
        is_database_duplicate,status,issues}'::text[];
BEGIN
    RETURN QUERY
    WITH sent AS (
        SELECT
            h.place::integer AS place, h.header,
            btrim(pgimport._unneutralise(h.header), E' \t\r\n\u00a0') AS name
        FROM unnest(p_header) WITH ORDINALITY AS h (header, place)
    ),

    field AS (
        SELECT 1 AS rank, a.* FROM pgimport._report_fields(p_job, true) AS a
        UNION ALL
        SELECT 2, b.* FROM pgimport._report_fields(p_job, false) AS b
    ),

    found AS (
        SELECT DISTINCT
            s.place, f.rank, f.place AS field_place, f.column_name, f.is_sensitive, f.staged_as,
            f.files
        FROM sent AS s
        CROSS JOIN LATERAL unnest(ARRAY[s.name, s.header]) AS w (word)
        INNER JOIN (
            SELECT k.*, u.word
            FROM field AS k
            CROSS JOIN LATERAL
                unnest(ARRAY[k.name, pgimport._short_name(k.name, k.place)]) AS u (word)
        ) AS f ON f.word = w.word
        WHERE s.name <> ALL (pgimport._fix_names())
    ),

    named AS (
        SELECT
            s.place, s.header, s.name, f.column_name, f.is_sensitive, f.staged_as, f.files,
            f.place IS NOT NULL AS is_known,
            rank() OVER (PARTITION BY s.place ORDER BY f.rank, f.field_place) AS choice
        FROM sent AS s
        LEFT JOIN found AS f ON f.place = s.place
    )

    SELECT
        n.place,
        n.header,
        CASE
            WHEN n.name = 'pgimport_row' THEN 'token'
            WHEN n.is_known AND n.staged_as IS NULL THEN 'constant'
            WHEN n.is_known THEN 'data'
            WHEN starts_with(n.name, 'pgimport_') OR n.name = ANY (c_own) THEN 'own'
            ELSE 'unknown'
        END,
        n.column_name,
        coalesce(n.is_sensitive, false),
        n.staged_as,
        n.files
    FROM named AS n
    WHERE n.choice = 1
    ORDER BY n.place, n.staged_as;
END;
$_fix_columns$;

COMMENT ON FUNCTION pgimport._fix_columns(pgimport.job, text[]) IS
'internal: what the fields of a file of corrected rows are and where their columns are staged.';
