-- The queue's row of a claim that still holds, locked FOR KEY SHARE: until the end of this
-- transaction nobody else can claim the job, even when the lease is over meanwhile.
-- Called by run_job, heartbeat and release_job. Raises PI001, PI105.
CREATE OR REPLACE FUNCTION pgimport._require_claim(
    p_job_id uuid,
    p_fence bigint
)
RETURNS pgimport.job_queue
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_require_claim$
DECLARE
    v_queue pgimport.job_queue;
BEGIN
    IF p_job_id IS NULL OR p_fence IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = format('"%s" is null', CASE WHEN p_job_id IS NULL THEN 'p_job_id'
                ELSE 'p_fence' END),
            HINT = 'both come from the answer of pgimport.claim_job(''me'')';
    END IF;

    SELECT q.* INTO v_queue
    FROM pgimport.job_queue AS q
    WHERE q.job_id = p_job_id AND q.state = 'running' AND q.fence = p_fence
    FOR KEY SHARE;
    IF v_queue.job_id IS NOT NULL THEN
        RETURN v_queue;
    END IF;

    SELECT q.* INTO v_queue
    FROM pgimport.job_queue AS q
    WHERE q.job_id = p_job_id
    ORDER BY q.queue_no DESC LIMIT 1;

    RAISE EXCEPTION USING
        ERRCODE = 'PI105',
        MESSAGE = format('claim %s of job "%s" does not hold any more', p_fence, p_job_id),
        DETAIL = CASE
            WHEN v_queue.job_id IS NULL THEN 'the job was never submitted, or is not yours to see'
            WHEN v_queue.state = 'running' THEN format(
                'worker "%s" has it now, with claim %s', v_queue.worker, v_queue.fence
            )
            ELSE format('in the queue it is %s', v_queue.state)
        END,
        HINT = 'nothing was written; go on with another: select pgimport.claim_job(''me'');';
END;
$_require_claim$;

COMMENT ON FUNCTION pgimport._require_claim(uuid, bigint) IS
'internal: locks and returns the row of a claim that holds, or raises PI105.';
