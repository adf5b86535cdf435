-- Writes the history of rows of a target: one statement, nothing where the target does not ask for
-- it. p_rows: what stands after FROM; p_pattern: what a column of the key is in it, %1$I its name,
-- %2$s its place; p_place: file_no, row_no, line_no of it. $1 in p_rows is the id of the job, $2
-- p_xmin. Casts are written with their schemas: the caller's search_path does not matter.
-- Called by _write_history and, before rows go, by what carries a rollback or redo out.
CREATE OR REPLACE FUNCTION pgimport._add_history(
    p_target_id bigint,
    p_job_id uuid,
    p_action text,
    p_rows text,
    p_pattern text DEFAULT 't.%1$I',
    p_place text DEFAULT 'NULL, NULL, NULL',
    p_xmin xid DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_add_history$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_memory text;
    v_target pgimport.target;
    r_key record;
BEGIN
    SELECT t.* INTO v_target
    FROM pgimport.target AS t
    WHERE t.target_id = p_target_id AND t.options @> '{"row_history": true}';
    IF v_target.target_id IS NULL THEN
        RETURN;
    END IF;

    v_memory := pgimport._raise_memory();
    SELECT k.* INTO STRICT r_key FROM pgimport._history_key_sql(v_target, p_pattern) AS k;
    -- in the order of the index, whose pages are visited once then: a third of the time
    EXECUTE format(
        'INSERT INTO pgimport.row_history '
        '(written_at, target_id, job_id, action, key, key_hash, file_no, row_no, line_no) '
        'SELECT $3, $4, $1, $5, %s, %s, %s FROM %s ORDER BY 6',
        r_key.key, r_key.key_hash, p_place, p_rows
    ) USING p_job_id, p_xmin, clock_timestamp(), v_target.target_id, p_action;
    PERFORM set_config('work_mem', v_memory, true);
END;
$_add_history$;

COMMENT ON FUNCTION pgimport._add_history(bigint, uuid, text, text, text, text, xid) IS
'internal: writes the history of rows that a job changed.';

CREATE OR REPLACE TRIGGER guard_history
BEFORE UPDATE OR DELETE OR TRUNCATE ON pgimport.row_history
FOR EACH STATEMENT EXECUTE FUNCTION pgimport._guard_event();

ALTER TABLE pgimport.row_history ENABLE ALWAYS TRIGGER guard_history;
