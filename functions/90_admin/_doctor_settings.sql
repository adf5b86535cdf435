-- Settings of the server and the session that slow imports or make them less safe: the one list of
-- their thresholds. Sizes are bytes, times seconds.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_settings()
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_settings$
#variable_conflict use_column
DECLARE
    c_mb CONSTANT numeric := 1048576;
    c_server CONSTANT text := 'ALTER SYSTEM SET %s = %L; SELECT pg_reload_conf();';
    c_role CONSTANT text := 'ALTER ROLE CURRENT_USER SET %s = %L;';
    c_session CONSTANT text := 'SET %1$s = %2$L; ALTER ROLE CURRENT_USER SET %1$s = %2$L;';
BEGIN
    RETURN QUERY
    SELECT
        w.name,
        CASE WHEN v.value >= w.least THEN 'ok' ELSE 'warning' END,
        current_setting(w.name),
        CASE WHEN v.value < w.least THEN w.why END,
        CASE WHEN v.value < w.least THEN format(w.mend, w.name, w.better) END
    FROM (
        VALUES
        (
            'max_wal_size', 4096 * c_mb, '8GB', c_server,
            'a smaller one makes a checkpoint every few seconds of a large import'
        ),
        (
            'checkpoint_timeout', 15 * 60, '15min', c_server,
            'after each checkpoint every page is written to the log as a whole'
        ),
        (
            'shared_buffers', 256 * c_mb, '1GB',
            'ALTER SYSTEM SET %s = %L;   -- then restart the server',
            'the indexes of the target should fit; a quarter of the memory is usual'
        ),
        (
            'work_mem', 32 * c_mb, '256MB', c_role,
            'finding duplicates sorts or hashes all keys; below this it spills to disk'
        ),
        (
            'maintenance_work_mem', 256 * c_mb, '1GB', c_role, 'used when indexes are made'
        ),
        (
            'max_parallel_workers_per_gather', 2, '2', c_role,
            'with 0 the check for duplicates runs on one core'
        ),
        (
            'max_parallel_workers', 2, '8', c_server,
            'the workers of all sessions together: without any a check runs on one core'
        )
    ) AS w (name, least, better, mend, why)
    INNER JOIN pg_settings AS s ON s.name = w.name
    CROSS JOIN LATERAL (
        -- a number for those that are joined; the others are never read
        SELECT CASE WHEN s.vartype IN ('integer', 'real') THEN s.setting END::numeric
            * CASE s.unit
            WHEN '8kB' THEN 8192 WHEN 'kB' THEN 1024 WHEN 'MB' THEN c_mb WHEN 'min' THEN 60
            ELSE 1 END
    ) AS v (value);

    RETURN QUERY
    SELECT
        w.name,
        CASE WHEN s.setting <> w.bad THEN 'ok' ELSE w.status END,
        s.setting,
        CASE WHEN s.setting = w.bad THEN w.why END,
        CASE WHEN s.setting = w.bad THEN format(w.mend, w.name, w.better) END
    FROM (
        VALUES
        (
            'wal_compression', 'off', 'on', 'warning', c_server,
            'page images in the log shrink to a third for little work'
        ),
        (
            'synchronous_commit', 'off', 'on', 'warning', c_role,
            'after a crash a job that was told to be completed may not be'
        ),
        (
            'autovacuum', 'off', 'on', 'warning', c_server,
            'tables that are imported into are neither cleaned nor analysed, and get slow'
        ),
        (
            'track_activities', 'off', 'on', 'warning', c_server,
            'nobody sees what an import is doing or waits for'
        ),
        (
            'fsync', 'off', 'on', 'warning', c_server,
            'a crash of the machine may destroy the database: fit for tests alone'
        ),
        (
            'full_page_writes', 'off', 'on', 'warning', c_server,
            'a crash of the machine may tear pages: fit for tests alone'
        ),
        (
            'session_replication_role', 'replica', 'origin', 'problem', c_session,
            'triggers and foreign keys of the targets do not fire in this session'
        ),
        (
            'default_transaction_read_only', 'on', 'off', 'problem', c_session,
            'nothing can be imported by transactions that only read'
        )
    ) AS w (name, bad, better, status, mend, why)
    INNER JOIN pg_settings AS s ON s.name = w.name;

    RETURN QUERY
    SELECT
        s.name,
        'warning',
        current_setting(s.name),
        CASE s.name
            WHEN 'statement_timeout' THEN 'the check of a large job is one statement'
            ELSE 'a client that reads a large file sends nothing for a while'
        END,
        format(c_role, s.name, '0')
    FROM pg_settings AS s
    WHERE CASE s.name
            WHEN 'statement_timeout' THEN s.setting::bigint BETWEEN 1 AND 3599999
            WHEN 'idle_in_transaction_session_timeout' THEN s.setting::bigint BETWEEN 1 AND 59999
            ELSE false
        END;
END;
$_doctor_settings$;

COMMENT ON FUNCTION pgimport._doctor_settings() IS
'internal: settings that slow imports or make them less safe, for doctor().';
