-- The FROM clause of a job's reports: staged rows (s), their files (f) and marks (m), joined by
-- hash and never row by row. Operators and functions are written with their schema: a COPY runs
-- it under the client's own search_path.
-- p_only_duplicates: leaves out rows that are no duplicates.
-- Called by the reports. Raises PI102 (not checked yet), PI306 (staged rows are gone).
CREATE OR REPLACE FUNCTION pgimport._report_sql(
    p_job pgimport.job,
    p_only_duplicates boolean
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_report_sql$
BEGIN
    PERFORM pgimport._refuse_foreign_staging(p_job);
    IF NOT EXISTS (
        SELECT FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'pgimport_staging'
            AND c.relname = pgimport._staging_name(p_job.job_id, '_mark')
    ) THEN
        PERFORM pgimport._require_status(
            p_job, '{checked,queued,inserting,completed,failed,cancelled,staging_lost,rolled_back}',
            'reported on before it was checked'
        );
        RAISE EXCEPTION USING
            ERRCODE = 'PI306',
            MESSAGE = format('the staged rows of job "%s" are gone', p_job.job_id),
            DETAIL = format('The job is %s; its staging was cleared or never checked.',
                p_job.status),
            HINT = format('Its issues are still there: select * from pgimport.issue_report(%L);',
                p_job.job_id);
    END IF;

    RETURN format(
        'FROM pgimport_staging.%1$I AS s '
        'INNER JOIN pgimport.file AS f ON f.job_id OPERATOR(pg_catalog.=) %2$L::pg_catalog.uuid '
        'AND f.file_no OPERATOR(pg_catalog.=) s.file_no '
        '%3$s JOIN (SELECT k.file_no, k.row_no, '
        'pg_catalog.bool_or(k.kind OPERATOR(pg_catalog.=) ''i'') AS internal, '
        'pg_catalog.bool_or(k.kind OPERATOR(pg_catalog.=) ''d'') AS database, '
        'pg_catalog.bool_or(k.kind OPERATOR(pg_catalog.=) ''x'') AS invalid '
        'FROM pgimport_staging.%4$I AS k%5$s GROUP BY k.file_no, k.row_no) AS m '
        'ON m.file_no OPERATOR(pg_catalog.=) s.file_no '
        'AND m.row_no OPERATOR(pg_catalog.=) s.row_no',
        pgimport._staging_name(p_job.job_id),
        p_job.job_id,
        CASE WHEN p_only_duplicates THEN 'INNER' ELSE 'LEFT' END,
        pgimport._staging_name(p_job.job_id, '_mark'),
        CASE WHEN p_only_duplicates
            THEN ' WHERE k.kind OPERATOR(pg_catalog.<>) ''x''' ELSE '' END
    );
END
$_report_sql$;

COMMENT ON FUNCTION pgimport._report_sql(pgimport.job, boolean) IS
'internal: the FROM clause of a job''s reports: staged rows, files and marks.';

-- The status of a row in the words of the duplicate report; reads alias m of _report_sql().
-- Called by the reports.
CREATE OR REPLACE FUNCTION pgimport._report_status_sql()
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN concat(
    'CASE WHEN m.invalid THEN ''INVALID'' ',
    'WHEN m.internal AND m.database THEN ''BOTH_DUPLICATE'' ',
    'WHEN m.internal THEN ''INTERNAL_DUPLICATE'' ',
    'WHEN m.database THEN ''DATABASE_DUPLICATE'' ELSE ''CLEAN'' END'
);

COMMENT ON FUNCTION pgimport._report_status_sql() IS
'internal: SQL of a row''s status CLEAN, INTERNAL_DUPLICATE, DATABASE_DUPLICATE and so on.';

-- The FROM clause of one of the reports that report_copy_sql() makes: that of a list of issues with
-- the data of their rows, or that of rows, with the text of their issues where all are shown.
-- Called by report_copy_sql(). Raises PI102, PI306, PI602.
CREATE OR REPLACE FUNCTION pgimport._report_from_sql(
    p_job pgimport.job,
    p_report text
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_report_from_sql$
BEGIN
    IF p_report = 'issue_list' THEN
        RETURN format(
            'FROM %s AS i '
            'INNER JOIN pgimport.file AS f ON f.job_id OPERATOR(pg_catalog.=) i.job_id '
            'AND f.file_no OPERATOR(pg_catalog.=) i.file_no%s',
            pgimport._issue_sql(p_job),
            CASE WHEN pgimport._has_rows(pgimport._staging_name(p_job.job_id)) THEN format(
                ' LEFT JOIN pgimport_staging.%I AS s '
                'ON s.file_no OPERATOR(pg_catalog.=) i.file_no '
                'AND s.row_no OPERATOR(pg_catalog.=) i.row_no',
                pgimport._staging_name(p_job.job_id)
            ) END
        );
    END IF;

    RETURN concat(
        pgimport._report_sql(p_job, p_report = 'duplicates'),
        CASE WHEN p_report = 'all' THEN format(
            ' LEFT JOIN (SELECT e.file_no, e.row_no, pg_catalog.string_agg('
            'pg_catalog.concat_ws('': '', e.column_name, e.message), ''; '' ORDER BY e.issue_id) '
            'AS issues FROM %s AS e WHERE e.row_no IS NOT NULL '
            'GROUP BY e.file_no, e.row_no) AS i ON i.file_no OPERATOR(pg_catalog.=) s.file_no '
            'AND i.row_no OPERATOR(pg_catalog.=) s.row_no', pgimport._issue_sql(p_job)
        ) END
    );
END
$_report_from_sql$;

COMMENT ON FUNCTION pgimport._report_from_sql(pgimport.job, text) IS
'internal: the FROM clause of one of the reports of report_copy_sql().';
