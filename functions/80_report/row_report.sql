-- Every row of a checked job in the order of the files, with what becomes of it (class insert,
-- update, skip or invalid), its issues and its data as staged. For millions of rows:
-- report_copy_sql(). Called by users. Raises PI001, PI101, PI102, PI306.
CREATE OR REPLACE FUNCTION pgimport.row_report(
    p_job_id uuid
)
RETURNS TABLE (
    file_no integer,
    file_name text,
    row_no bigint,
    line_no bigint,
    class text,
    status text,
    issues jsonb,
    data jsonb
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $row_report$
-- what dynamic SQL returns is not to be seen by a checker:
-- @plpgsql_check_options: extra_warnings = false
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT s.file_no, f.file_name, s.row_no, coalesce(s.line_no, s.row_no + f.line_offset), '
        '%s, %s, coalesce(i.issues, ''[]''::jsonb), %s %s '
        'LEFT JOIN (SELECT e.file_no, e.row_no, jsonb_agg(jsonb_build_object('
        '''column'', e.column_name, ''code'', e.code, ''severity'', e.severity, '
        '''message'', e.message, ''value'', e.value, ''hint'', e.hint) ORDER BY e.issue_id) '
        'AS issues FROM %s AS e WHERE e.row_no IS NOT NULL '
        'GROUP BY e.file_no, e.row_no) AS i ON i.file_no = s.file_no AND i.row_no = s.row_no '
        'ORDER BY s.file_no, s.row_no',
        pgimport._class_sql(r_job),
        pgimport._report_status_sql(),
        pgimport._report_data_sql(r_job),
        pgimport._report_sql(r_job, false),
        pgimport._issue_sql(r_job)
    );
END
$row_report$;

COMMENT ON FUNCTION pgimport.row_report(uuid) IS
'Lists every row of a checked job with its class insert, update, skip or invalid, its issues and '
'its data. '
'Example: select * from pgimport.row_report(:''job'')';
