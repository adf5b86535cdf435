-- Casts every column of a piece of the staged rows in bulk and looks for missing and overlong
-- values. Returns the columns that need a closer look; when a cast fails, all that can fail.
-- p_rows: SQL of the piece. Called by _search_issues.
CREATE OR REPLACE FUNCTION pgimport._scan_values(
    p_job pgimport.job,
    p_rows text
)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_scan_values$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_sums text;
    v_castable text[];
    v_suspects text[];
BEGIN
    SELECT
        -- count() makes PostgreSQL cast each value; comparing it with the count of the texts
        -- keeps the planner from dropping the cast
        string_agg(
            format(
                'CASE WHEN count(%s) < %s%s THEN %L END',
                c.typed_sql,
                CASE WHEN c.required THEN 'count(*)' ELSE format('count(%s)', c.text_sql) END,
                CASE WHEN c.required AND c.is_text
                    THEN format(' OR bool_or(%s = '''')', c.text_sql) ELSE '' END
                || CASE WHEN c.max_length IS NOT NULL
                    THEN format(
                        ' OR coalesce(max(char_length(rtrim(%s, '' ''))) > %s, false)',
                        c.text_sql, c.max_length
                    ) ELSE '' END
                || CASE WHEN c.loose_type IS NOT NULL
                    THEN format(' OR bool_or(%s IS DISTINCT FROM %s)', c.stored_sql, c.typed_sql)
                    ELSE '' END
                || CASE WHEN c.is_looked_up
                    THEN format(' OR bool_or(%s IS NULL AND %s IS NOT NULL)',
                        c.text_sql, c.plain_sql)
                    ELSE '' END
                || coalesce(
                    ' OR bool_or((' || c.rule_code_sql || ') IS NOT NULL)', ''
                ),
                c.column_name
            ), ', ' ORDER BY c.column_no
        ),
        array_agg(c.column_name ORDER BY c.column_no)
    INTO v_sums, v_castable
    FROM (
        SELECT w.*, pgimport._rule_code_sql(
            w.typed_sql, w.type_name, w.is_text, w.key_position IS NOT NULL, w.rules
        ) AS rule_code_sql
        FROM pgimport._written_columns(p_job) AS w
    ) AS c
    WHERE c.required OR c.max_length IS NOT NULL OR c.typed_sql <> c.text_sql
        OR c.rule_code_sql IS NOT NULL OR c.is_looked_up;

    EXECUTE format(
        'SELECT array_remove(ARRAY[%s]::text[], NULL) FROM %s AS s', v_sums, p_rows
    ) INTO v_suspects;
    RETURN v_suspects;
EXCEPTION
    WHEN data_exception OR integrity_constraint_violation
        OR syntax_error_or_access_rule_violation OR program_limit_exceeded OR plpgsql_error
        OR feature_not_supported OR internal_error OR invalid_schema_name
    THEN
        RETURN v_castable;
END;
$_scan_values$;

COMMENT ON FUNCTION pgimport._scan_values(pgimport.job, text) IS
'internal: one bulk cast of a piece of staged rows; returns the columns with a problem.';
