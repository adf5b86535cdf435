-- The rows of a checked job that are duplicates, or all rows, in the order of the files, with both
-- flags, a status in words and the data as staged. For millions of rows: report_copy_sql().
-- Called by users. Raises PI001, PI101, PI102, PI306.
CREATE OR REPLACE FUNCTION pgimport.duplicate_report(
    p_job_id uuid,
    p_only_duplicates boolean DEFAULT true
)
RETURNS TABLE (
    file_no integer,
    file_name text,
    row_no bigint,
    line_no bigint,
    is_internal_duplicate boolean,
    is_database_duplicate boolean,
    status text,
    data jsonb
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $duplicate_report$
-- what dynamic SQL returns is not to be seen by a checker:
-- @plpgsql_check_options: extra_warnings = false
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT s.file_no, f.file_name, s.row_no, coalesce(s.line_no, s.row_no + f.line_offset), '
        'coalesce(m.internal, false), coalesce(m.database, false), %s, %s '
        '%s ORDER BY s.file_no, s.row_no',
        pgimport._report_status_sql(),
        pgimport._report_data_sql(r_job),
        pgimport._report_sql(r_job, coalesce(p_only_duplicates, true))
    );
END
$duplicate_report$;

COMMENT ON FUNCTION pgimport.duplicate_report(uuid, boolean) IS
'Lists the duplicates of a checked job, or all its rows, with both flags, the status CLEAN, '
'INTERNAL_DUPLICATE, DATABASE_DUPLICATE, BOTH_DUPLICATE or INVALID, and their data. '
'Example: select * from pgimport.duplicate_report(:''job'', true)';
