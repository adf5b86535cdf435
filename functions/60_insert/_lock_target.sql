-- Who holds an advisory lock, as words: the job whose run lock the same session holds, and its pid.
-- Null when nobody does any more.
-- Called by _lock_target. A job that the caller may not see is "another job".
CREATE OR REPLACE FUNCTION pgimport._lock_holder(
    p_key bigint,
    p_table_name text
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_lock_holder$
DECLARE
    v_pid integer := (SELECT min(h.pid) FROM pgimport._holders_of(ARRAY[p_key]) AS h);
    v_jobs text;
BEGIN
    IF v_pid IS NULL THEN
        RETURN NULL;
    END IF;

    SELECT string_agg(format('"%s"', j.job_id), ', ' ORDER BY j.job_id) INTO v_jobs
    FROM pgimport.job AS j
    INNER JOIN pgimport.target AS t ON t.target_id = j.target_id AND t.table_name = p_table_name
    INNER JOIN pg_locks AS l
        ON l.pid = v_pid AND l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
            AND (l.classid::bigint << 32) | l.objid::bigint
            = pgimport._run_key(j.job_id);
    RETURN format('%s (pid %s)', coalesce('job ' || v_jobs, 'another job'), v_pid);
END;
$_lock_holder$;

COMMENT ON FUNCTION pgimport._lock_holder(bigint, text) IS
'internal: who holds the lock by which inserts into a table follow one another.';

-- The sessions, besides the caller's, that hold locks of some modes on a table or one of its
-- partitions, as words; null when there are none. Called where one of them was waited for in vain.
CREATE OR REPLACE FUNCTION pgimport._table_holders(
    p_relation regclass,
    p_modes text[]
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_table_holders$
BEGIN
    RETURN (
        SELECT string_agg(
            format('pid %s (role "%s", application "%s")', a.pid, a.usename, a.application_name),
            ', ' ORDER BY a.pid
        )
        FROM pg_stat_activity AS a
        WHERE a.pid <> pg_backend_pid() AND a.pid IN (
            SELECT l.pid FROM pg_locks AS l
            WHERE l.relation IN (SELECT pgimport._whole_table(p_relation))
                AND l.database = (
                    SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
                )
                AND l.granted
                AND l.mode = ANY (p_modes)
        )
    );
END;
$_table_holders$;

COMMENT ON FUNCTION pgimport._table_holders(regclass, text[]) IS
'internal: the sessions that hold locks of some modes on a table.';

-- What an error of a statement that waited in vain for a row should add to its message: the other
-- sessions that write the table, one of which has the row. Nothing for any other error.
-- Called by _insert_batch.
CREATE OR REPLACE FUNCTION pgimport._waited_for(
    p_sqlstate text,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_waited_for$
BEGIN
    RETURN CASE WHEN p_sqlstate = '55P03' THEN coalesce(
        '; others who write the table: ' || pgimport._table_holders(
            p_relation, '{RowExclusiveLock,ShareRowExclusiveLock,ExclusiveLock}'
        ), ''
    ) ELSE '' END;
END;
$_waited_for$;

COMMENT ON FUNCTION pgimport._waited_for(text, regclass) IS
'internal: what the message of a wait in vain should add: who writes the table.';

-- Locks a target for writing rows, one job at a time, and makes sure that it is still the table of
-- that name. Readers and other writers go on; another insert or rollback of pgimport waits, also
-- one by another name of the same table.
-- Called by insert_job, rehearse_job, rollback_job and redo_job with the job locked.
-- Raises PI205, and 55P03 with who is writing when lock_timeout ends the wait.
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
    v_key bigint;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_target_id;
    v_relation := pgimport._target_relation(v_target);

    -- a wait here ends with lock_timeout, like any other
    v_key := hashtextextended(format('pgimport table %s', v_relation::oid), 0);
    BEGIN
        PERFORM pg_advisory_xact_lock(v_key);
    EXCEPTION
        WHEN lock_not_available THEN
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = format('target "%s" is being written by %s', v_target.name, coalesce(
                    pgimport._lock_holder(v_key, v_target.table_name), 'another job'
                )),
                DETAIL = format('gave up after lock_timeout, %s', current_setting('lock_timeout')),
                HINT = 'inserts and rollbacks of one table follow one another: try again, or wait '
                    'longer: SET lock_timeout = ''10min'';';
    END;

    -- keeps ALTER and DROP away; any stronger mode asks for rights that an importer may not have
    BEGIN
        EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', v_relation);
    EXCEPTION
        -- somebody renamed or dropped it while we waited: said below
        WHEN undefined_table OR invalid_schema_name THEN
            NULL;
        WHEN lock_not_available THEN
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = format('table "%s.%s" is locked by %s',
                    v_target.schema_name, v_target.table_name, coalesce(
                        pgimport._table_holders(v_relation, '{AccessExclusiveLock}'),
                        'another session'
                    )),
                DETAIL = format('gave up after lock_timeout, %s', current_setting('lock_timeout')),
                HINT = 'somebody changes the table: try again when that is done';
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
