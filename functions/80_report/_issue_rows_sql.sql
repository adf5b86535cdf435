-- The report of issues: one line a row that has any, with its data as in the files, its token, what
-- is wrong in words and as codes. Records that were refused while their file was read have no data
-- but the whole record, and a token, too: they can be filled in and sent back with apply_fix().
-- Called by report_copy_sql(), which has looked whose staging it is.
CREATE OR REPLACE FUNCTION pgimport._issue_rows_sql(
    p_job pgimport.job,
    p_raw boolean,
    OUT names text[],
    OUT query text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_issue_rows_sql$
DECLARE
    c_token CONSTANT text := 'pgimport._row_token(f.token_seed, i.file_no, %s)';
    -- the data of rows can be shown only while they are staged
    v_is_staged boolean := pgimport._has_rows(pgimport._staging_name(p_job.job_id));
    v_columns text;
    v_rows text;
    v_records text;
BEGIN
    WITH part (place, name, is_text, row_sql, record_sql) AS (
        SELECT
            c.place::bigint, pgimport._short_name(c.name, c.place), true, c.value_sql,
            'NULL::pg_catalog.text'
        FROM pgimport._report_columns(p_job, true) AS c
        WHERE v_is_staged
        UNION ALL
        SELECT 10000 + o.place, n.name, o.is_text, o.row_sql, o.record_sql
        FROM unnest(pgimport._fix_names()) WITH ORDINALITY AS n (name, place)
        INNER JOIN (
            VALUES
            (
                1, false, format(c_token, 'i.row_no'),
                format(c_token, 'OPERATOR(pg_catalog.-) i.issue_id')
            ),
            (2, true, 'i.messages', 'pg_catalog.concat_ws('': '', i.column_name, i.message)'),
            (3, true, 'i.codes', 'i.code'),
            (4, true, 'NULL::pg_catalog.text', 'i.value'),
            (5, true, 'f.file_name', 'f.file_name'),
            (6, false, 'i.line_no', 'i.line_no')
        ) AS o (place, is_text, row_sql, record_sql) ON o.place = n.place
    ),

    numbered AS (
        SELECT p.*, row_number() OVER (ORDER BY p.place) AS column_no FROM part AS p
    )

    SELECT
        array_agg(n.name ORDER BY n.column_no),
        string_agg(
            format(
                CASE WHEN n.is_text AND NOT p_raw
                    THEN 'pgimport._neutralise(q.c%s) AS %I' ELSE 'q.c%s AS %I' END,
                n.column_no,
                CASE WHEN p_raw THEN n.name ELSE pgimport._neutralise(n.name) END
            ), ', ' ORDER BY n.column_no
        ),
        string_agg(format('%s AS c%s', n.row_sql, n.column_no), ', ' ORDER BY n.column_no),
        string_agg(format('%s AS c%s', n.record_sql, n.column_no), ', ' ORDER BY n.column_no)
    INTO names, v_columns, v_rows, v_records
    FROM numbered AS n;

    query := format(
        'SELECT %1$s FROM ('
        'SELECT i.file_no, i.line_no, i.row_no, %2$s FROM ('
        'SELECT e.file_no, e.row_no, pg_catalog.min(e.line_no) AS line_no, '
        'pg_catalog.string_agg(pg_catalog.concat_ws('': '', e.column_name, e.message), ''; '' '
        'ORDER BY e.issue_id) AS messages, '
        'pg_catalog.string_agg(DISTINCT e.code, '' '' ORDER BY e.code) AS codes '
        'FROM %4$s AS e WHERE e.row_no IS NOT NULL GROUP BY e.file_no, e.row_no) AS i '
        'INNER JOIN pgimport.file AS f ON f.job_id OPERATOR(pg_catalog.=) %5$L::pg_catalog.uuid '
        'AND f.file_no OPERATOR(pg_catalog.=) i.file_no%6$s '
        'UNION ALL '
        'SELECT i.file_no, i.line_no, i.row_no, %3$s FROM %4$s AS i '
        'INNER JOIN pgimport.file AS f ON f.job_id OPERATOR(pg_catalog.=) i.job_id '
        'AND f.file_no OPERATOR(pg_catalog.=) i.file_no WHERE i.row_no IS NULL'
        ') AS q ORDER BY q.file_no, q.line_no, q.row_no',
        v_columns,
        v_rows,
        v_records,
        pgimport._issue_sql(p_job),
        p_job.job_id,
        CASE WHEN v_is_staged THEN format(
            ' INNER JOIN pgimport_staging.%I AS s '
            'ON s.file_no OPERATOR(pg_catalog.=) i.file_no '
            'AND s.row_no OPERATOR(pg_catalog.=) i.row_no',
            pgimport._staging_name(p_job.job_id)
        ) END
    );

    IF NOT p_raw THEN
        names := ARRAY(
            SELECT pgimport._neutralise(n.name)
            FROM unnest(names) WITH ORDINALITY AS n (name, place)
            ORDER BY n.place
        );
    END IF;
END
$_issue_rows_sql$;

COMMENT ON FUNCTION pgimport._issue_rows_sql(pgimport.job, boolean) IS
'internal: the query and the column names of the report of issues, one line a row.';
