-- The columns of a CSV report with their SQL: where the row comes from, its data, what was found.
-- A column of the report itself whose name is taken by the data gets the prefix pgimport_.
-- Called by report_copy_sql() for all reports but that of issues, which is _issue_rows_sql()'s.
CREATE OR REPLACE FUNCTION pgimport._copy_columns(
    p_job pgimport.job,
    p_report text,
    p_raw boolean
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
AS $_copy_columns$
#variable_conflict use_column
DECLARE
    c_line CONSTANT text := 'coalesce(s.line_no, '
        's.row_no OPERATOR(pg_catalog.+) f.line_offset)';
BEGIN
    RETURN QUERY
    WITH own (report, place, name, value_sql, is_text) AS (
        VALUES
        ('rows', 1, 'file_name', 'f.file_name', true),
        ('rows', 2, 'line_no', c_line, false),
        ('rows', 3, 'row_no', 's.row_no', false),
        ('rows', 10001, 'is_internal_duplicate', 'coalesce(m.internal, false)', false),
        ('rows', 10002, 'is_database_duplicate', 'coalesce(m.database, false)', false),
        ('rows', 10003, 'status', pgimport._report_status_sql(), false),
        ('all', 10004, 'issues', 'i.issues', true),
        (
            'rows', 10005, 'pgimport_row',
            'pgimport._row_token(f.token_seed, s.file_no, s.row_no)', false
        ),
        ('issue_list', 1, 'file_name', 'f.file_name', true),
        ('issue_list', 2, 'line_no', 'i.line_no', false),
        ('issue_list', 3, 'row_no', 'i.row_no', false),
        ('issue_list', 4, 'issue_column', 'i.column_name', true),
        ('issue_list', 5, 'issue_code', 'i.code', true),
        ('issue_list', 6, 'issue_severity', 'i.severity', true),
        ('issue_list', 7, 'issue_message', 'i.message', true),
        ('issue_list', 8, 'issue_value', 'i.value', true),
        ('issue_list', 9, 'issue_hint', 'i.hint', true)
    ),

    data AS (
        SELECT
            10 + c.place AS place,
            pgimport._short_name(c.name, c.place) AS name,
            c.value_sql
        FROM pgimport._report_columns(p_job) AS c
        -- the data of an issue's row can be shown only while it is staged
        WHERE p_report <> 'issue_list'
            OR pgimport._has_rows(pgimport._staging_name(p_job.job_id))
    ),

    whole AS (
        SELECT d.place, d.name, d.value_sql, true AS is_text
        FROM data AS d
        UNION ALL
        SELECT
            o.place,
            CASE
                WHEN o.name IN (SELECT d.name FROM data AS d) THEN concat('pgimport_', o.name)
                ELSE o.name
            END,
            o.value_sql,
            o.is_text
        FROM own AS o
        WHERE o.report = p_report
            OR (o.report = 'rows' AND p_report <> 'issue_list')
    )

    SELECT
        w.place,
        CASE WHEN p_raw THEN w.name ELSE pgimport._neutralise(w.name) END,
        CASE
            WHEN w.is_text AND NOT p_raw THEN format('pgimport._neutralise(%s)', w.value_sql)
            ELSE w.value_sql
        END
    FROM whole AS w
    ORDER BY w.place;
END
$_copy_columns$;

COMMENT ON FUNCTION pgimport._copy_columns(pgimport.job, text, boolean) IS
'internal: the columns of a CSV report with the SQL of their values.';
