-- Makes the lease of a claim longer, from now on. It never waits for a run of the job; so a worker
-- sends it from a second connection. A claim whose lease is over, but which nobody else took, holds
-- again. Called by workers. Raises PI001, PI003, PI105.
CREATE OR REPLACE FUNCTION pgimport.heartbeat(
    p_job_id uuid,
    p_fence bigint,
    p_lease interval DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $heartbeat$
DECLARE
    v_queue pgimport.job_queue;
BEGIN
    PERFORM pgimport._check_lease(p_lease);

    -- no column of a key: compatible with the FOR KEY SHARE of a run
    UPDATE pgimport.job_queue AS q
    SET heartbeat_at = clock_timestamp(),
        lease = coalesce(p_lease, q.lease),
        lease_until = clock_timestamp() + coalesce(p_lease, q.lease)
    WHERE q.job_id = p_job_id AND q.fence = p_fence AND q.state = 'running'
    RETURNING q.* INTO v_queue;
    IF v_queue.job_id IS NULL THEN
        v_queue := pgimport._require_claim(p_job_id, p_fence);
    END IF;

    RETURN pgimport._queue_envelope(
        v_queue,
        format('job %s is yours until %s', p_job_id, v_queue.lease_until),
        jsonb_build_object('cancel', EXISTS (
            SELECT FROM pgimport._holders_of(ARRAY[pgimport._wish_key(p_job_id)])
        ))
    );
END;
$heartbeat$;

COMMENT ON FUNCTION pgimport.heartbeat(uuid, bigint, interval) IS
'Makes the lease of a claimed job longer; PI105 says that the claim is lost. Keys: fence, '
'lease_until, cancel: somebody asks that the step that runs be cancelled. '
'Example: select pgimport.heartbeat(:''job'', 1)';
