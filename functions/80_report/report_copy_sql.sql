-- A report as a COPY … TO STDOUT in CSV that a client runs and streams to a file: duplicates (the
-- duplicate rows), issues (one line an issue, with the data of its row), or all (every row with
-- its issues). Cells that a spreadsheet would take for a formula get an apostrophe, unless p_raw.
-- Called by users and the command "report". Raises PI001, PI003, PI101, PI102, PI306.
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
    v_select text;
    v_names jsonb;
    v_from text;
BEGIN
    -- until the end of the transaction, for the COPY that follows in it
    PERFORM pgimport._raise_memory();

    IF p_report IS NULL OR p_report NOT IN ('duplicates', 'issues', 'all') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_report" must be duplicates, issues or all, not %s', coalesce(p_report, 'null')
            ),
            HINT = format('select pgimport.report_copy_sql(%L, ''duplicates'');', p_job_id);
    END IF;

    SELECT
        string_agg(format('%s AS %I', c.value_sql, c.name), ', ' ORDER BY c.place),
        jsonb_agg(c.name ORDER BY c.place)
    INTO v_select, v_names
    FROM pgimport._copy_columns(r_job, p_report, coalesce(p_raw, false)) AS c;

    v_from := CASE
        WHEN p_report <> 'issues' THEN pgimport._report_sql(r_job, p_report = 'duplicates')
        ELSE format(
            'FROM pgimport.issue AS i '
            'INNER JOIN pgimport.file AS f ON f.job_id OPERATOR(pg_catalog.=) i.job_id '
            'AND f.file_no OPERATOR(pg_catalog.=) i.file_no%s '
            'WHERE i.job_id OPERATOR(pg_catalog.=) %L::pg_catalog.uuid',
            CASE WHEN pgimport._has_rows(pgimport._staging_name(p_job_id)) THEN format(
                ' LEFT JOIN pgimport_staging.%I AS s '
                'ON s.file_no OPERATOR(pg_catalog.=) i.file_no '
                'AND s.row_no OPERATOR(pg_catalog.=) i.row_no',
                pgimport._staging_name(p_job_id)
            ) ELSE '' END,
            p_job_id
        )
    END || CASE WHEN p_report = 'all' THEN format(
        ' LEFT JOIN (SELECT e.file_no, e.row_no, pg_catalog.string_agg('
        'pg_catalog.concat_ws('': '', e.column_name, e.message), ''; '' ORDER BY e.issue_id) '
        'AS issues FROM pgimport.issue AS e '
        'WHERE e.job_id OPERATOR(pg_catalog.=) %L::pg_catalog.uuid AND e.row_no IS NOT NULL '
        'GROUP BY e.file_no, e.row_no) AS i ON i.file_no OPERATOR(pg_catalog.=) s.file_no '
        'AND i.row_no OPERATOR(pg_catalog.=) s.row_no', p_job_id
    ) ELSE '' END;

    RETURN pgimport._envelope(
        r_job,
        format('run "copy_sql" to get the report "%s" as CSV', p_report),
        jsonb_build_object(
            'report', p_report,
            'raw', coalesce(p_raw, false),
            'columns', v_names,
            'copy_sql', format(
                'COPY (SELECT %s %s ORDER BY %s) '
                'TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING ''UTF8'')',
                v_select, v_from,
                CASE p_report WHEN 'issues' THEN 'i.issue_id' ELSE 's.file_no, s.row_no' END
            )
        )
    );
END
$report_copy_sql$;

COMMENT ON FUNCTION pgimport.report_copy_sql(uuid, text, boolean) IS
'Returns the COPY … TO STDOUT that streams a report as CSV: duplicates, issues or all; formulas '
'are neutralised unless p_raw. Raises work_mem until the end of the transaction, for that COPY. '
'Example: select pgimport.report_copy_sql(:''job'', ''duplicates'') ->> ''copy_sql''';
