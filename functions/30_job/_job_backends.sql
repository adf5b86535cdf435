-- Key of the run lock of a job. Called by _lock_job and _job_backends.
CREATE OR REPLACE FUNCTION pgimport._run_key(
    p_job_id uuid
)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN hashtextextended('pgimport job ' || p_job_id::text, 0);

COMMENT ON FUNCTION pgimport._run_key(uuid) IS
'internal: key of the advisory lock that says which backend acts on a job.';

-- Which backends work on a job at this moment, the caller's own included: those that hold its run
-- lock ("act"), and those that stage one of its files or COPY into it ("load"). Anybody may read
-- this, without waiting for anything; what a backend does is told by pg_stat_activity.
-- Called by job_progress, cancel_job and others.
CREATE OR REPLACE FUNCTION pgimport._job_backends(
    p_job_id uuid
)
RETURNS TABLE (
    pid integer,
    act text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_job_backends$
DECLARE
    c_key CONSTANT bigint := pgimport._run_key(p_job_id);
    c_low CONSTANT bigint := 4294967295;
BEGIN
    RETURN QUERY
    SELECT w.pid, min(w.act)
    FROM (
        SELECT l.pid, CASE l.mode WHEN 'ExclusiveLock' THEN 'act' ELSE 'load' END AS act
        FROM pg_locks AS l
        WHERE l.locktype = 'advisory'
            AND l.granted
            AND l.objsubid = 1
            AND l.classid = ((c_key >> 32) & c_low)::oid
            AND l.objid = (c_key & c_low)::oid
            AND l.database = (
                SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
            )
        UNION ALL
        SELECT l.pid, 'load'
        FROM pg_locks AS l
        INNER JOIN pg_class AS c ON c.oid = l.relation
        WHERE l.locktype = 'relation'
            AND l.granted
            AND l.mode = 'RowExclusiveLock'
            AND l.database = (
                SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
            )
            AND c.relnamespace = (
                SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = 'pgimport_staging'
            )
            AND c.relkind = 'r'
            AND starts_with(c.relname, pgimport._staging_name(p_job_id, '_f'))
            AND c.relname ~ '_f[0-9]+$'
    ) AS w
    WHERE w.pid IS NOT NULL
    GROUP BY w.pid;
END;
$_job_backends$;

COMMENT ON FUNCTION pgimport._job_backends(uuid) IS
'internal: the backends that act on a job, or load its files, at this moment.';
