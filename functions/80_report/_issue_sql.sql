-- SQL of the issues of a job (alias e), one line an issue, with what is said of values of sensitive
-- columns masked: column_name, code, severity, message, value and hint. A record that was refused
-- while its file was read is masked whole where the target has such columns.
-- Written with the schemas of operators: a COPY runs it under the client's own search_path.
-- Called by the reports.
CREATE OR REPLACE FUNCTION pgimport._issue_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_issue_sql$
DECLARE
    v_sensitive text[];
BEGIN
    SELECT array_agg(c.column_name) INTO v_sensitive
    FROM pgimport.target_column AS c
    WHERE c.target_id = p_job.target_id
        AND c.rules @> '{"sensitive": true}';

    RETURN format(
        '(SELECT e.issue_id, e.job_id, e.file_no, e.row_no, e.line_no, e.column_name, e.code, '
        'e.severity, e.hint, e.found_by, %s FROM pgimport.issue AS e '
        'WHERE e.job_id OPERATOR(pg_catalog.=) %L::pg_catalog.uuid)',
        CASE
            WHEN v_sensitive IS NULL THEN 'e.message, e.value'
            ELSE format(
                'CASE WHEN e.column_name OPERATOR(pg_catalog.=) ANY (%1$L::pg_catalog.text[]) '
                'THEN pgimport._issue_message(e.code, ''***'', NULL) ELSE e.message END '
                'AS message, '
                'CASE WHEN e.row_no IS NULL '
                'OR e.column_name OPERATOR(pg_catalog.=) ANY (%1$L::pg_catalog.text[]) '
                'THEN pgimport._mask(e.value) ELSE e.value END AS value',
                v_sensitive
            )
        END,
        p_job.job_id
    );
END
$_issue_sql$;

COMMENT ON FUNCTION pgimport._issue_sql(pgimport.job) IS
'internal: SQL of the issues of a job, values of sensitive columns masked.';
