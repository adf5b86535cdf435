-- Locks a job against every other act on it and returns it as it now is.
-- Called by every function that changes a job as a whole. Staging a file takes FOR KEY SHARE
-- instead: files of one job are staged side by side, and none while the job itself moves.
-- Who holds a row lock is nowhere to be read. So the run lock is taken as well: an advisory lock of
-- this transaction, by which pg_locks names the backend, to every role, before anything is
-- committed. It comes after the row lock, so that nobody ever waits for it.
-- Raises PI001 (no job given), PI101 (no such job, or not the caller's).
CREATE OR REPLACE FUNCTION pgimport._lock_job(
    p_job_id uuid,
    p_share boolean DEFAULT false
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_lock_job$
DECLARE
    v_job pgimport.job;
BEGIN
    IF p_job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no job given: "p_job_id" is null',
            HINT = 'select job_id, target, status from pgimport.list_jobs();';
    END IF;

    IF p_share THEN
        SELECT * INTO v_job FROM pgimport.job WHERE job_id = p_job_id FOR KEY SHARE;
    ELSE
        SELECT * INTO v_job FROM pgimport.job WHERE job_id = p_job_id FOR UPDATE;
    END IF;

    IF v_job.job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI101',
            MESSAGE = format('job "%s" does not exist', p_job_id),
            HINT = 'select job_id, target, status from pgimport.list_jobs();';
    END IF;

    IF p_share THEN
        PERFORM pg_advisory_xact_lock_shared(pgimport._run_key(p_job_id));
    ELSE
        PERFORM pg_advisory_xact_lock(pgimport._run_key(p_job_id));
        -- what an earlier act said there is not this one's
        PERFORM pgimport._begin_phase(p_job_id, NULL);
    END IF;

    RETURN v_job;
END;
$_lock_job$;

COMMENT ON FUNCTION pgimport._lock_job(uuid, boolean) IS
'internal: locks a job (FOR UPDATE, or FOR KEY SHARE while a file is staged) and returns its row.';
