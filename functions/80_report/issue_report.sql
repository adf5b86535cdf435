-- The problems found in the data of a job, page by page: p_after is the last issue_id of the page
-- before. Records that could not be staged have no row_no; their value is the whole record.
-- Called by users. Raises PI001, PI003, PI101.
CREATE OR REPLACE FUNCTION pgimport.issue_report(
    p_job_id uuid,
    p_after bigint DEFAULT NULL,
    p_limit integer DEFAULT 20
)
RETURNS TABLE (
    issue_id bigint,
    job_id uuid,
    file_no integer,
    file_name text,
    row_no bigint,
    line_no bigint,
    column_name text,
    code text,
    severity text,
    message text,
    value text,
    hint text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $issue_report$
#variable_conflict use_column
-- what dynamic SQL returns is not to be seen by a checker:
-- @plpgsql_check_options: extra_warnings = false
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_limit" must be between 1 and 10000, not %s', coalesce(p_limit::text, 'null')
            ),
            HINT = 'Page on with p_after, the last issue_id of the page before.';
    END IF;

    RETURN QUERY EXECUTE format(
        'SELECT i.issue_id, i.job_id, i.file_no, f.file_name, i.row_no, i.line_no, '
        'i.column_name, i.code, i.severity, i.message, i.value, i.hint '
        'FROM %s AS i '
        'LEFT JOIN pgimport.file AS f ON f.job_id = i.job_id AND f.file_no = i.file_no '
        'WHERE i.issue_id > $1 ORDER BY i.issue_id LIMIT $2',
        pgimport._issue_sql(r_job)
    ) USING coalesce(p_after, 0), p_limit;
    IF NOT FOUND AND p_after IS NULL AND pgimport._gone_warnings(r_job) <> '[]' THEN
        RAISE WARNING USING MESSAGE = pgimport._gone_warnings(r_job) ->> -1;
    END IF;
END
$issue_report$;

COMMENT ON FUNCTION pgimport.issue_report(uuid, bigint, integer) IS
'Lists the problems in the data of a job, 20 at a time (p_after: last issue_id of the page '
'before): file, row, line, column, code, message, value, hint. '
'Example: select * from pgimport.issue_report(:''job'')';
