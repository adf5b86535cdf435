-- The data columns of a job's reports, over all its files: columns of the target under their own
-- names, then the fields that are not imported under the header they have in the file. The same
-- header may stand at different places of different files.
-- value_sql: how the value is read from the staging table (alias s).
-- Called by the reports. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._report_columns(
    p_job pgimport.job
)
RETURNS TABLE (
    place integer,
    name text,
    value_sql text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_report_columns$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH field AS (
        SELECT
            f.file_no, m.position, m."column" AS column_name, m.staged_as,
            coalesce(nullif(btrim(m.header), ''), m.staged_as) AS header,
            row_number() OVER (
                PARTITION BY f.file_no, m."column" IS NULL, m.header ORDER BY m.position
            ) AS occurrence
        FROM pgimport.file AS f
        CROSS JOIN LATERAL
            jsonb_to_recordset(f.mapping)
            AS m (position integer, header text, "column" text, staged_as text)
        WHERE f.job_id = p_job.job_id
            AND f.status = 'staged'
    ),

    extra AS (
        SELECT
            e.header, e.occurrence, e.staged_as,
            min(e.file_no) AS first_file, min(e.position) AS position,
            array_agg(e.file_no ORDER BY e.file_no) AS files,
            -- no other header is staged under this name
            count(*) = (
                SELECT count(*) FROM field AS o
                WHERE o.staged_as = e.staged_as
            ) AS is_alone
        FROM field AS e
        WHERE e.column_name IS NULL
        GROUP BY e.header, e.occurrence, e.staged_as
    ),

    named AS (
        SELECT
            1 AS kind, c.column_no AS major, 0 AS minor, c.column_name AS name,
            coalesce(
                (
                    SELECT format('s.%I', f.staged_as)
                    FROM field AS f
                    WHERE f.column_name = c.column_name
                    LIMIT 1
                ),
                format('%L::pg_catalog.text', p_job.options -> 'constants' ->> c.column_name)
            ) AS value_sql
        FROM pgimport._target_columns(p_job.target_id) AS c
        WHERE p_job.options -> 'constants' ? c.column_name
            OR c.column_name IN (SELECT f.column_name FROM field AS f)
        UNION ALL
        SELECT
            2, min(e.first_file), min(e.position), e.header,
            CASE
                WHEN count(*) = 1 AND bool_and(e.is_alone) THEN format('s.%I', min(e.staged_as))
                ELSE format('CASE %s END', string_agg(format(
                    'WHEN s.file_no OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.int4[]) THEN s.%I',
                    e.files, e.staged_as
                ), ' ' ORDER BY e.staged_as))
            END
        FROM extra AS e
        GROUP BY e.header, e.occurrence
    ),

    numbered AS (
        SELECT
            n.*,
            row_number() OVER (ORDER BY n.kind, n.major, n.minor) AS place,
            row_number() OVER (PARTITION BY n.name ORDER BY n.kind, n.major, n.minor) AS copy
        FROM named AS n
    )

    SELECT
        n.place::integer,
        CASE WHEN n.copy = 1 THEN n.name ELSE format('%s (%s)', n.name, n.copy) END,
        n.value_sql
    FROM numbered AS n
    ORDER BY n.place;
END
$_report_columns$;

COMMENT ON FUNCTION pgimport._report_columns(pgimport.job) IS
'internal: names of the data columns of a job''s reports and the SQL that reads them.';
