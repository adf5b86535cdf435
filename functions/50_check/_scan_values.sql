-- One optimistic scan over staged rows: casts every column in bulk and looks for missing and
-- overlong values. Returns the rows seen and the columns that need a closer look; clean data pay
-- for nothing else. When a cast fails, every column that can fail is looked at.
-- p_rows: SQL of the rows, all of the job's or a piece of a file's.
-- Called by _validate_values and _search_issues.
CREATE OR REPLACE FUNCTION pgimport._scan_values(
    p_job pgimport.job,
    p_rows text,
    OUT total_rows bigint,
    OUT suspects text[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_scan_values$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_from text := format('FROM %s AS s', p_rows);
    v_sums text;
    v_suspect text;
BEGIN
    SELECT
        -- count() makes PostgreSQL cast each value; comparing it with the count of the texts
        -- keeps the planner from dropping the cast
        string_agg(
            format(
                'count(%s) < %s%s',
                c.typed_sql,
                CASE WHEN c.required THEN 'count(*)' ELSE format('count(%s)', c.text_sql) END,
                CASE WHEN c.required AND c.is_text
                    THEN format(' OR bool_or(%s = '''')', c.text_sql) ELSE '' END
                || CASE WHEN c.max_length IS NOT NULL
                    THEN format(
                        ' OR coalesce(max(char_length(rtrim(%s, '' ''))) > %s, false)',
                        c.text_sql, c.max_length
                    ) ELSE '' END
            ), ', ' ORDER BY c.column_no
        ),
        format('ARRAY[%s]', string_agg(quote_literal(c.column_name), ', ' ORDER BY c.column_no))
    INTO v_sums, v_suspect
    FROM pgimport._written_columns(p_job) AS c
    WHERE c.required OR c.max_length IS NOT NULL OR c.typed_sql <> c.text_sql;

    IF v_sums IS NULL THEN
        EXECUTE 'SELECT count(*) ' || v_from INTO total_rows;
        suspects := '{}';
        RETURN;
    END IF;

    EXECUTE format(
        'SELECT q.total, ARRAY(SELECT n.name FROM unnest(%s, q.bad) AS n (name, bad) WHERE n.bad) '
        'FROM (SELECT count(*) AS total, ARRAY[%s] AS bad %s) AS q',
        v_suspect, v_sums, v_from
    ) INTO total_rows, suspects;
EXCEPTION
    WHEN data_exception OR integrity_constraint_violation
        OR syntax_error_or_access_rule_violation OR program_limit_exceeded
    THEN
        EXECUTE 'SELECT count(*) ' || v_from INTO total_rows;
        EXECUTE format('SELECT %s', v_suspect) INTO suspects;
END;
$_scan_values$;

COMMENT ON FUNCTION pgimport._scan_values(pgimport.job, text) IS
'internal: one bulk cast of staged rows; returns their number and the columns with a problem.';
