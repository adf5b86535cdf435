-- Makes the view in which people look at a checked job: typed values, flags and issues of every
-- staged row; values of sensitive columns are masked. Called by _mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._create_rows_view(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_create_rows_view$
DECLARE
    c_own CONSTANT text[] := '{file_no,row_no,line_no,class,is_internal_duplicate,
        is_database_duplicate,issues}'::text[];
    v_values text;
BEGIN
    SELECT string_agg(
        format(
            ', CASE WHEN m.invalid IS NOT TRUE THEN %s END AS %I',
            CASE WHEN c.rules @> '{"sensitive": true}'
                THEN format('pgimport._mask((%s)::text)', c.typed_sql) ELSE c.typed_sql END,
            c.column_name || CASE WHEN c.column_name = ANY (c_own) THEN '_value' ELSE '' END
        ), '' ORDER BY c.column_no
    ) INTO v_values
    FROM pgimport._written_columns(p_job) AS c;

    EXECUTE format(
        'CREATE VIEW pgimport_staging.%1$I WITH (security_invoker = true) AS '
        'SELECT s.file_no, s.row_no, coalesce(s.line_no, s.row_no + f.line_offset) AS line_no, '
        '%6$s AS class, '
        'coalesce(m.internal, false) AS is_internal_duplicate, '
        'coalesce(m.database, false) AS is_database_duplicate, i.issues%2$s '
        'FROM pgimport_staging.%3$I AS s '
        'INNER JOIN pgimport.file AS f ON f.job_id = %4$L::uuid AND f.file_no = s.file_no '
        'LEFT JOIN (SELECT file_no, row_no, bool_or(kind = ''x'') AS invalid, '
        'bool_or(kind = ''i'') AS internal, bool_or(kind = ''d'') AS database '
        'FROM pgimport_staging.%5$I GROUP BY file_no, row_no) AS m '
        'ON m.file_no = s.file_no AND m.row_no = s.row_no '
        'LEFT JOIN (SELECT file_no, row_no, array_agg(message ORDER BY issue_id) AS issues '
        'FROM pgimport.issue WHERE job_id = %4$L::uuid AND row_no IS NOT NULL '
        'GROUP BY file_no, row_no) AS i ON i.file_no = s.file_no AND i.row_no = s.row_no',
        pgimport._staging_name(p_job.job_id, '_rows'),
        v_values,
        pgimport._staging_name(p_job.job_id),
        p_job.job_id,
        pgimport._staging_name(p_job.job_id, '_mark'),
        pgimport._class_sql(p_job)
    );
    PERFORM pgimport._give_staging(p_job.job_id);
END;
$_create_rows_view$;

COMMENT ON FUNCTION pgimport._create_rows_view(pgimport.job) IS
'internal: creates the view of a job''s rows with typed values, flags and issues.';
