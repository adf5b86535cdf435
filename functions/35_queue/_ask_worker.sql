-- Key of the advisory lock by which somebody wishes that the worker of a job stops what it does.
-- Called by _ask_worker and heartbeat.
CREATE OR REPLACE FUNCTION pgimport._wish_key(
    p_job_id uuid
)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN hashtextextended('pgimport stop ' || p_job_id::text, 0);

COMMENT ON FUNCTION pgimport._wish_key(uuid) IS
'internal: key of the advisory lock by which a worker is asked to stop.';

-- Asks the worker of a job to cancel its own statement, where the caller may not: the owner of a
-- job is seldom a member of the worker's role. The wish is an advisory lock until the end of this
-- transaction: the next heartbeat sees it, without a commit. Returns false where that backend is no
-- worker of the job's. Called by _cancel_backend.
CREATE OR REPLACE FUNCTION pgimport._ask_worker(
    p_job_id uuid,
    p_pid integer
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_ask_worker$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_stat_activity AS a
        WHERE a.pid = p_pid AND starts_with(a.application_name, 'pgimport worker ')
    ) OR NOT EXISTS (
        SELECT FROM pgimport.job_queue AS q WHERE q.job_id = p_job_id AND q.state = 'running'
    ) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(pgimport._wish_key(p_job_id));
    RETURN true;
END;
$_ask_worker$;

COMMENT ON FUNCTION pgimport._ask_worker(uuid, integer) IS
'internal: asks the worker of a job to stop, by a lock that its heartbeat sees.';
