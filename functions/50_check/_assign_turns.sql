-- SQL of the value whose turn it is; p_turn: SQL of a number, 0 for the first value.
-- Called by _column_sources and _assign_turns.
CREATE OR REPLACE FUNCTION pgimport._turn_sql(
    p_assignment jsonb,
    p_turn text
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_turn_sql$
BEGIN
    RETURN format(
        '(%L::text[])[1 + (%s)::integer]',
        pgimport._words(p_assignment -> 'values', '{}'), p_turn
    );
END;
$_turn_sql$;

COMMENT ON FUNCTION pgimport._turn_sql(jsonb, text) IS
'internal: SQL of the value whose turn it is in a round.';

-- Deals the values of a round-robin assignment out over the rows that will be inserted, in the
-- order of the files: each value as often as every other, give or take one. The same marks give
-- the same turns. Does nothing for a job without such an assignment.
-- Called after rows were marked: by _mark_duplicates, and when _recheck_duplicates found more.
CREATE OR REPLACE FUNCTION pgimport._assign_turns(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_assign_turns$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_value CONSTANT text := pgimport._staging_name(p_job.job_id, '_value');
    v_assignment jsonb := p_job.options -> 'assignment';
    v_memory text;
    r_column record;
BEGIN
    IF v_assignment ->> 'mode' IS DISTINCT FROM 'round_robin' THEN
        RETURN;
    END IF;
    SELECT c.column_no, c.stored_sql, c.raw_sql INTO STRICT r_column
    FROM pgimport._written_columns(p_job) AS c
    WHERE c.column_name = v_assignment ->> 'column';

    v_memory := pgimport._raise_memory();
    -- compared by their text: some types have no equality, and a cast may be somebody's code
    EXECUTE format(
        'UPDATE pgimport_staging.%1$I AS v SET c%2$s = t.value '
        'FROM (SELECT n.file_no, n.row_no, %3$s AS value FROM ('
        'SELECT r.file_no, r.row_no, row_number() OVER (ORDER BY r.file_no, r.row_no) AS place '
        'FROM pgimport_staging.%1$I AS r WHERE NOT EXISTS ('
        'SELECT FROM pgimport_staging.%4$I AS m '
        'WHERE m.file_no = r.file_no AND m.row_no = r.row_no)) AS n) AS t '
        'WHERE v.file_no = t.file_no AND v.row_no = t.row_no '
        'AND concat(v.c%2$s) <> concat(t.value)',
        c_value,
        r_column.column_no,
        -- converted and cast as every other text of the column
        replace(
            r_column.stored_sql,
            r_column.raw_sql,
            pgimport._turn_sql(v_assignment, format(
                '(n.place - 1) %% %s', jsonb_array_length(v_assignment -> 'values')
            ))
        ),
        pgimport._staging_name(p_job.job_id, '_mark')
    );
    PERFORM set_config('work_mem', v_memory, true);
END;
$_assign_turns$;

COMMENT ON FUNCTION pgimport._assign_turns(pgimport.job) IS
'internal: deals the values of a round-robin assignment out over the rows to be inserted.';
