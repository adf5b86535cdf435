-- Casts all staged rows in bulk into the job's table of values, which marking and inserting read:
-- each text becomes a value once. It is optimistic: clean data pay for this one scan, which runs
-- in parallel. p_searched: culprits have been looked for, and rows marked invalid are left out.
-- Returns the rows stored and the columns that need a closer look: those with missing or overlong
-- values or, when a cast failed and nothing is stored, every column that can fail.
-- Called by _validate_values.
CREATE OR REPLACE FUNCTION pgimport._store_values(
    p_job pgimport.job,
    p_searched boolean,
    OUT rows_stored bigint,
    OUT suspects text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- nor is one started to build the index of an empty TOAST table
SET max_parallel_maintenance_workers = 0
-- what a cast costs is not in the planner's numbers: two workers cast twice as fast
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
-- compiling the casts anew for every file's table takes longer than running them
SET jit = off
AS $_store_values$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_value CONSTANT text := pgimport._staging_name(p_job.job_id, '_value');
    v_create text;
    v_wrong text;
    v_castable text[];
BEGIN
    SELECT
        format(
            'CREATE %s TABLE pgimport_staging.%I WITH (autovacuum_enabled = false) AS '
            'SELECT s.file_no, s.row_no%s FROM pgimport_staging.%I AS s%s',
            CASE WHEN (p_job.options ->> 'durable')::boolean THEN '' ELSE 'UNLOGGED' END,
            c_value,
            string_agg(
                format(
                    ', %s AS c%s',
                    CASE WHEN p_searched THEN c.stored_sql ELSE c.quick_sql END,
                    c.column_no
                ), '' ORDER BY c.column_no
            ),
            pgimport._staging_name(p_job.job_id),
            CASE WHEN p_searched THEN format(
                ' WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS m WHERE m.kind = ''x'' '
                'AND m.file_no = s.file_no AND m.row_no = s.row_no)',
                pgimport._staging_name(p_job.job_id, '_mark')
            ) END
        ),
        string_agg(
            format('CASE WHEN %s THEN %L END', c.wrong_sql, c.column_name), ', '
            ORDER BY c.column_no
        ) FILTER (WHERE c.wrong_sql <> ''),
        array_agg(c.column_name ORDER BY c.column_no) FILTER (
            WHERE c.wrong_sql <> '' OR c.typed_sql <> c.text_sql
        )
    INTO v_create, v_wrong, v_castable
    FROM (
        SELECT w.*, concat_ws(
            ' OR ',
            CASE WHEN w.required THEN format('count(v.c%s) < count(*)', w.column_no) END,
            CASE WHEN w.required AND w.is_text
                THEN format('bool_or(v.c%s = '''')', w.column_no) END,
            CASE WHEN w.max_length IS NOT NULL THEN format(
                'max(char_length(rtrim(v.c%1$s, '' ''))) > %2$s '
                'OR count(%3$s) < count(v.c%1$s)',
                w.column_no, w.max_length, w.value_sql
            ) END,
            -- a domain whose nulls are put off is stored as what is under it
            CASE WHEN w.is_late
                THEN format('count(%s) < count(v.c%s)', w.value_sql, w.column_no) END,
            CASE WHEN w.loose_type IS NOT NULL
                THEN format('bool_or(v.c%s IS DISTINCT FROM %s)', w.column_no, w.value_sql) END,
            'bool_or((' || pgimport._rule_code_sql(
                w.value_sql, w.type_name, w.is_text, w.key_position IS NOT NULL, w.rules
            ) || ') IS NOT NULL)'
        ) AS wrong_sql
        FROM pgimport._written_columns(p_job) AS w
    ) AS c;

    BEGIN
        EXECUTE v_create;
        GET DIAGNOSTICS rows_stored = ROW_COUNT;
        EXECUTE format(
            'SELECT array_remove(ARRAY[%s]::text[], NULL) FROM pgimport_staging.%I AS v',
            v_wrong, c_value
        ) INTO suspects;
    EXCEPTION
        WHEN data_exception OR integrity_constraint_violation
            OR syntax_error_or_access_rule_violation OR program_limit_exceeded OR plpgsql_error
            OR feature_not_supported OR internal_error OR invalid_schema_name
        THEN
            -- no value can be wrong, or the invalid rows are left out: this is no row's fault
            IF p_searched OR v_castable IS NULL THEN
                RAISE;
            END IF;
            rows_stored := 0;
            suspects := v_castable;
    END;
END;
$_store_values$;

COMMENT ON FUNCTION pgimport._store_values(pgimport.job, boolean) IS
'internal: casts the staged rows of a job into its table of values, in one bulk statement.';
