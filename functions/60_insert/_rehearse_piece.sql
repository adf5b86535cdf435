-- Inserts or updates rows of a rehearsal, those from one place to another, and checks all
-- constraints at once. When it works the rows stay, for the next piece to meet them, and null is
-- returned; else nothing of the piece stays, and what went wrong is returned: {sqlstate, message,
-- constraint, column, table}. No DETAIL: it may quote a row that the caller may not see. With no
-- rows it tells whether the statement itself is possible.
-- Called by _rehearse_rows, inside what rehearse_job undoes. What no row is to blame for, such as a
-- lock that cannot be had, is raised.
CREATE OR REPLACE FUNCTION pgimport._rehearse_piece(
    p_job_id uuid,
    p_relation regclass,
    p_statements text[],
    p_first bigint,
    p_last bigint,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rehearse_piece$
-- the statement was quoted where it was made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_statement text;
    v_rows bigint := 0;
    v_written bigint;
    v_sqlstate text;
    v_message text;
    v_constraint text;
    v_column text;
    v_table text;
BEGIN
    BEGIN
        PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
        FOREACH v_statement IN ARRAY p_statements LOOP
            EXECUTE v_statement USING p_job_id, p_first, p_last;
            GET DIAGNOSTICS v_written = ROW_COUNT;
            v_rows := v_rows + v_written;
        END LOOP;
        PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
        PERFORM pgimport._check_deferred(p_relation, p_search_path, true);

        IF v_rows <> p_last - p_first + 1 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI401',
                MESSAGE = CASE
                    WHEN p_first = p_last AND v_rows = 0
                        THEN 'a trigger or rule of the table dropped the row'
                    ELSE format('%s expected, %s written',
                        pgimport._count_of(p_last - p_first + 1, 'row'), v_rows)
                END,
                HINT = 'look for a trigger or rule of the table that drops rows';
        END IF;
    EXCEPTION
        WHEN transaction_rollback OR lock_not_available OR insufficient_resources
            OR operator_intervention OR system_error OR data_corrupted OR index_corrupted
        THEN
            RAISE;
        -- whatever else a row can do wrong is to be told, not to end the rehearsal
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_sqlstate = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT,
                v_constraint = CONSTRAINT_NAME,
                v_column = COLUMN_NAME,
                v_table = TABLE_NAME;
    END;

    RETURN CASE WHEN v_sqlstate IS NOT NULL THEN jsonb_build_object(
        'sqlstate', v_sqlstate,
        'message', v_message,
        'constraint', nullif(v_constraint, ''),
        'column', nullif(v_column, ''),
        'table', nullif(v_table, '')
    ) END;
END;
$_rehearse_piece$;

COMMENT ON FUNCTION pgimport._rehearse_piece(uuid, regclass, text[], bigint, bigint, text) IS
'internal: writes a piece of a rehearsal, or tells why it cannot be written.';
