-- Ends a claim that did not complete its job. Without an SQLSTATE, or with a temporary one while
-- attempts are left, the job waits again; else it is dead in the queue and failed, with the reason.
-- A job that has batches in its target stays inserting in either case.
-- Called with job and claim locked, by run_job, release_job, run_next_job and _expire_leases.
CREATE OR REPLACE FUNCTION pgimport._give_back(
    p_queue pgimport.job_queue,
    p_sqlstate text,
    p_message text
)
RETURNS pgimport.job_queue
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_give_back$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_queue.job_id);
    -- neither says anything against the job
    v_counts boolean := p_sqlstate IS NOT NULL AND p_sqlstate <> 'PI605';
    v_again boolean := p_sqlstate IS NULL OR (
        pgimport._is_temporary(p_sqlstate)
        AND (NOT v_counts OR p_queue.attempts < p_queue.max_attempts)
    );
    v_queue pgimport.job_queue;
BEGIN
    UPDATE pgimport.job_queue AS q
    SET state = CASE WHEN v_again THEN 'waiting' ELSE 'dead' END,
        attempts = CASE WHEN v_counts THEN q.attempts ELSE greatest(q.attempts - 1, 0) END,
        is_checked = CASE v_job.status
            WHEN 'staged' THEN false WHEN 'checked' THEN true ELSE q.is_checked
        END,
        run_after = clock_timestamp() + CASE
            -- it waited for the end of the lease already
            WHEN p_sqlstate IS NULL OR p_sqlstate = 'PI105' THEN interval '0'
            ELSE pgimport._retry_delay(q.attempts)
        END,
        lease_until = NULL,
        last_sqlstate = p_sqlstate,
        last_message = p_message,
        finished_at = CASE WHEN NOT v_again THEN clock_timestamp() END
    WHERE q.job_id = p_queue.job_id AND q.queue_no = p_queue.queue_no
    RETURNING q.* INTO STRICT v_queue;

    IF v_again THEN
        UPDATE pgimport.job
        SET status = 'queued'
        WHERE job_id = v_job.job_id AND status IN ('staged', 'checked', 'failed');
    ELSE
        UPDATE pgimport.job
        SET status = CASE status WHEN 'inserting' THEN status ELSE 'failed' END,
            error_sqlstate = p_sqlstate,
            error_message = p_message
        WHERE job_id = v_job.job_id
            AND status IN ('staged', 'checked', 'queued', 'failed', 'inserting');
    END IF;

    PERFORM pgimport._log_event(
        v_job.job_id,
        CASE WHEN v_again THEN 'released' ELSE 'dead' END,
        jsonb_strip_nulls(jsonb_build_object(
            'worker', v_queue.worker, 'attempt', p_queue.attempts,
            'sqlstate', p_sqlstate, 'message', p_message,
            'run_after', CASE WHEN v_again AND p_sqlstate IS NOT NULL THEN v_queue.run_after END
        ))
    );
    RETURN v_queue;
END;
$_give_back$;

COMMENT ON FUNCTION pgimport._give_back(pgimport.job_queue, text, text) IS
'internal: ends a claim that did not complete its job: the job waits again, or is dead.';
