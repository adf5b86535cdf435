-- A report as a COPY … TO STDOUT that a client runs and streams to a file: issues (one line a row
-- that has any, with its data, to be corrected and sent back), issue_list (one line an issue),
-- duplicates (the duplicate rows) or all (every row with its issues). copy_sql writes CSV,
-- row_copy_sql the same rows in COPY's text format, for clients that write another format. Cells
-- that a spreadsheet would take for a formula get an apostrophe, unless p_raw.
-- Called by users and the command "report". Raises PI001, PI003, PI101, PI102, PI306, PI602.
CREATE OR REPLACE FUNCTION pgimport.report_copy_sql(
    p_job_id uuid,
    p_report text DEFAULT 'all',
    p_raw boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $report_copy_sql$
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
    v_names text[];
    v_query text;
BEGIN
    -- until the end of the transaction, for the COPY that follows in it
    PERFORM pgimport._raise_memory();

    IF p_report IS NULL OR p_report NOT IN ('issues', 'issue_list', 'duplicates', 'all') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_report" must be issues, issue_list, duplicates or all, not %s',
                coalesce(p_report, 'null')
            ),
            HINT = format('select pgimport.report_copy_sql(%L, ''duplicates'');', p_job_id);
    END IF;

    PERFORM pgimport._refuse_foreign_staging(r_job);
    IF p_report = 'issues' THEN
        SELECT r.names, r.query INTO v_names, v_query
        FROM pgimport._issue_rows_sql(r_job, coalesce(p_raw, false)) AS r;
    ELSE
        SELECT
            array_agg(c.name ORDER BY c.place),
            concat(
                'SELECT ',
                string_agg(format('%s AS %I', c.value_sql, c.name), ', ' ORDER BY c.place),
                ' ',
                pgimport._report_from_sql(r_job, p_report),
                ' ORDER BY ',
                CASE p_report WHEN 'issue_list' THEN 'i.issue_id' ELSE 's.file_no, s.row_no' END
            )
        INTO v_names, v_query
        FROM pgimport._copy_columns(r_job, p_report, coalesce(p_raw, false)) AS c;
    END IF;

    RETURN pgimport._envelope(
        r_job,
        format('run "copy_sql" to get the report "%s" as CSV', p_report),
        jsonb_build_object(
            'report', p_report,
            'raw', coalesce(p_raw, false),
            'columns', to_jsonb(v_names),
            'copy_sql', format(
                'COPY (%s) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING ''UTF8'')', v_query
            ),
            'row_copy_sql', format(
                'COPY (%s) TO STDOUT WITH (FORMAT text, ENCODING ''UTF8'')', v_query
            )
        ),
        pgimport._gone_warnings(r_job)
    );
END
$report_copy_sql$;

COMMENT ON FUNCTION pgimport.report_copy_sql(uuid, text, boolean) IS
'Returns the COPY … TO STDOUT that streams a report: issues (a line a row, to be corrected and '
'sent back), issue_list (a line an issue), duplicates or all; copy_sql as CSV, row_copy_sql in '
'text format. Formulas are neutralised unless p_raw. Raises work_mem until the end of the '
'transaction, for that COPY. '
'Example: select pgimport.report_copy_sql(:''job'', ''issues'') ->> ''copy_sql''';
