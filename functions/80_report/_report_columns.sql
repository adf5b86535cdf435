-- The data columns of a job's reports with the SQL of their values, over all its files (see
-- _report_fields()). value_sql: how the value is read from the staging table (alias s); values of
-- sensitive columns are masked.
-- Called by the reports. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._report_columns(
    p_job pgimport.job,
    p_as_in_files boolean DEFAULT false
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
    SELECT
        f.place,
        min(f.name),
        format(
            CASE WHEN bool_or(f.is_sensitive) THEN 'pgimport._mask(%s)' ELSE '%s' END,
            CASE
                WHEN min(f.staged_as) IS NULL
                THEN format('%L::pg_catalog.text', min(f.constant))
                WHEN bool_and(f.files IS NULL) THEN format('s.%I', min(f.staged_as))
                ELSE format('CASE %s END', string_agg(format(
                    'WHEN s.file_no OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.int4[]) THEN s.%I',
                    f.files, f.staged_as
                ), ' ' ORDER BY f.staged_as) FILTER (WHERE f.staged_as IS NOT NULL))
            END
        )
    FROM pgimport._report_fields(p_job, p_as_in_files) AS f
    GROUP BY f.place
    ORDER BY f.place;
END
$_report_columns$;

COMMENT ON FUNCTION pgimport._report_columns(pgimport.job, boolean) IS
'internal: names of the data columns of a job''s reports and the SQL that reads them.';
