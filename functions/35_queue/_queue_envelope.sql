-- The answer of the functions of the queue: that of a job, and how it stands in the queue.
-- Called by all of them. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._queue_envelope(
    p_queue pgimport.job_queue,
    p_message text,
    p_own jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_queue_envelope$
DECLARE
    v_job pgimport.job;
BEGIN
    SELECT j.* INTO v_job FROM pgimport.job AS j WHERE j.job_id = p_queue.job_id;
    RETURN pgimport._envelope(v_job, p_message, pgimport._queue_keys(p_queue) || p_own);
END;
$_queue_envelope$;

COMMENT ON FUNCTION pgimport._queue_envelope(pgimport.job_queue, text, jsonb) IS
'internal: the answer of the functions of the queue.';

-- How a job stands in the queue, as keys of an answer. Called by _queue_envelope and run_job.
CREATE OR REPLACE FUNCTION pgimport._queue_keys(
    p_queue pgimport.job_queue
)
RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_queue_keys$
BEGIN
    RETURN jsonb_build_object(
        'queue_no', p_queue.queue_no,
        'state', p_queue.state,
        'worker', p_queue.worker,
        'fence', p_queue.fence,
        'attempt', p_queue.attempts,
        'max_attempts', p_queue.max_attempts,
        'run_after', p_queue.run_after,
        'lease_until', p_queue.lease_until
    );
END;
$_queue_keys$;

COMMENT ON FUNCTION pgimport._queue_keys(pgimport.job_queue) IS
'internal: how a job stands in the queue, as keys of an answer.';
