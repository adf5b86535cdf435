-- Gives a worker the next job, for the time of a lease, which heartbeat() makes longer. Jobs that
-- others have claimed, or run, are passed by without waiting. The worker must be allowed to act as
-- the owner of the job. Called by workers. Raises PI001, PI003.
CREATE OR REPLACE FUNCTION pgimport.claim_job(
    p_worker text,
    p_lease interval DEFAULT '1 minute'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $claim_job$
DECLARE
    -- from version 16 on, SET ROLE asks for a membership with that option
    c_may CONSTANT text := CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
    END;
    v_queue pgimport.job_queue;
BEGIN
    IF nullif(btrim(p_worker), '') IS NULL OR p_lease IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = format('"%s" is null or empty', CASE WHEN p_lease IS NULL THEN 'p_lease'
                ELSE 'p_worker' END),
            HINT = 'select pgimport.claim_job(''host 1'', ''1 minute'');';
    END IF;
    PERFORM pgimport._check_lease(p_lease);

    PERFORM pgimport._expire_leases();

    -- only the queue's row is locked, and a job on which somebody acts is passed by: it may be
    -- cancelled just now, and neither is to wait for the other
    SELECT q.* INTO v_queue
    FROM pgimport.job_queue AS q
    INNER JOIN pgimport.job AS j ON q.job_id = j.job_id
    INNER JOIN pg_roles AS r ON r.rolname = j.owner_role
    WHERE q.state = 'waiting'
        AND q.run_after <= clock_timestamp()
        -- SET ROLE asks for the rights of the session's user, not of the current role
        AND (r.rolname = current_user OR pg_has_role(session_user, r.oid, c_may))
        AND pg_has_role(r.oid, 'USAGE')
        AND NOT pgimport._over_running_limit(j)
        AND NOT EXISTS (
            SELECT FROM pgimport._job_backends(q.job_id) AS b WHERE b.pid <> pg_backend_pid()
        )
    ORDER BY q.priority DESC, q.queue_no
    LIMIT 1
    FOR UPDATE OF q SKIP LOCKED;
    IF v_queue.job_id IS NULL THEN
        RETURN pgimport._queue_envelope(v_queue, 'no job is waiting');
    END IF;

    UPDATE pgimport.job_queue AS q
    SET state = 'running',
        attempts = q.attempts + 1,
        worker = left(p_worker, 200),
        fence = q.fence + 1,
        lease = p_lease,
        claimed_at = clock_timestamp(),
        started_at = NULL,
        heartbeat_at = clock_timestamp(),
        lease_until = clock_timestamp() + p_lease
    WHERE q.job_id = v_queue.job_id AND q.queue_no = v_queue.queue_no
    RETURNING q.* INTO STRICT v_queue;

    RETURN pgimport._queue_envelope(
        v_queue,
        format('job %s is claimed by "%s" until %s, attempt %s of %s', v_queue.job_id,
            v_queue.worker, v_queue.lease_until, v_queue.attempts, v_queue.max_attempts)
    );
END;
$claim_job$;

COMMENT ON FUNCTION pgimport.claim_job(text, interval) IS
'Gives a worker the next waiting job, for a lease; job_id is null when there is none. Keys: fence, '
'to be given to run_job, heartbeat and release_job; attempt, lease_until. '
'Example: select pgimport.claim_job(''host 1'', ''1 minute'')';

-- Checks the length of a lease. Called by claim_job and heartbeat. Raises PI003.
CREATE OR REPLACE FUNCTION pgimport._check_lease(
    p_lease interval
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_lease$
BEGIN
    IF p_lease < interval '1 second' OR p_lease > interval '1 day' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'a lease lasts from 1 second to 1 day',
            DETAIL = format('it was %s', p_lease),
            HINT = '''1 minute'': a heartbeat() every 20 seconds makes it longer';
    END IF;
END;
$_check_lease$;

COMMENT ON FUNCTION pgimport._check_lease(interval) IS
'internal: refuses a lease that is too short or too long.';
