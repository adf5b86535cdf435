-- Takes jobs back from workers that were not heard of until the end of their lease; returns how
-- many. A job on which a backend still acts is left to it: its worker may be frozen, its statement
-- is not. Called by claim_job and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._expire_leases()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_expire_leases$
DECLARE
    r_queue pgimport.job_queue;
    v_expired integer := 0;
BEGIN
    FOR r_queue IN
        SELECT q.*
        FROM pgimport.job_queue AS q
        INNER JOIN pgimport.job AS j ON q.job_id = j.job_id
        WHERE q.state = 'running'
            AND q.lease_until < clock_timestamp()
            AND NOT EXISTS (SELECT FROM pgimport._job_backends(q.job_id))
        ORDER BY q.lease_until
        FOR UPDATE OF q SKIP LOCKED
        FOR NO KEY UPDATE OF j SKIP LOCKED
    LOOP
        PERFORM pgimport._give_back(
            r_queue, 'PI105',
            format('worker "%s" was not heard of since %s', r_queue.worker,
                coalesce(r_queue.heartbeat_at, r_queue.claimed_at))
        );
        v_expired := v_expired + 1;
    END LOOP;
    RETURN v_expired;
END;
$_expire_leases$;

COMMENT ON FUNCTION pgimport._expire_leases() IS
'internal: takes jobs back from workers whose lease is over; returns how many.';
