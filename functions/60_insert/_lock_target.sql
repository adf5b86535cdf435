-- Locks a target for writing rows, one job at a time, and makes sure that it is still the table of
-- that name. Readers and other writers go on; another insert or rollback of pgimport waits.
-- Called by insert_job and rollback_job with the job locked. Raises PI205.
CREATE OR REPLACE FUNCTION pgimport._lock_target(
    p_target_id bigint
)
RETURNS regclass
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_lock_target$
DECLARE
    v_target pgimport.target;
    v_relation regclass;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_target_id;

    -- a wait here ends with lock_timeout, like any other
    PERFORM pg_advisory_xact_lock(hashtextextended(format('pgimport target %s', p_target_id), 0));

    v_relation := pgimport._target_relation(v_target);
    -- keeps ALTER and DROP away; any stronger mode asks for rights that an importer may not have
    BEGIN
        EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', v_relation);
    EXCEPTION
        -- somebody renamed or dropped it while we waited: said below
        WHEN undefined_table OR invalid_schema_name THEN
            NULL;
    END;
    IF v_relation <> pgimport._target_relation(v_target) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI205',
            MESSAGE = format('table "%s.%s" was replaced just now',
                v_target.schema_name, v_target.table_name),
            HINT = 'try again';
    END IF;

    RETURN v_relation;
END;
$_lock_target$;

COMMENT ON FUNCTION pgimport._lock_target(bigint) IS
'internal: locks the target of a job for writing and returns its table.';
