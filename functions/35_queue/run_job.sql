-- Does the next step of a claimed job, as much as one transaction is to hold: the check, where it
-- is still to be done, the insert, or one batch of it. Called again until done: then the job is
-- completed, waits to be tried again, or is dead. It runs with the rights of the job's owner and
-- under the search_path of the one who submitted it. What an error undoes is told to release_job().
-- Called by workers. Raises PI001, PI102, PI105, PI602, and what check_job and insert_job raise.
CREATE OR REPLACE FUNCTION pgimport.run_job(
    p_job_id uuid,
    p_fence bigint,
    p_search_path text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $run_job$
DECLARE
    c_language CONSTANT text := current_setting('pgimport.language', true);
    v_queue pgimport.job_queue := pgimport._require_claim(p_job_id, p_fence);
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_act text;
    v_answer jsonb;
BEGIN
    -- somebody may have cancelled the job while we waited for it
    v_queue := pgimport._require_claim(p_job_id, p_fence);
    IF v_queue.started_at IS NULL THEN
        PERFORM pgimport._log_event(p_job_id, 'claimed', jsonb_build_object(
            'worker', v_queue.worker, 'attempt', v_queue.attempts, 'fence', v_queue.fence
        ));
    END IF;
    IF v_job.status = 'queued' THEN
        UPDATE pgimport.job
        SET status = CASE WHEN v_queue.is_checked THEN 'checked' ELSE 'staged' END
        WHERE job_id = p_job_id
        RETURNING * INTO v_job;
    END IF;
    PERFORM pgimport._require_status(v_job, '{staged,checked,failed,inserting}', 'run');

    v_act := CASE
        WHEN v_job.status IN ('staged', 'failed') THEN 'check'
        -- columns, key or rules of the target may have changed while the job waited
        WHEN v_job.status = 'checked'
            AND v_queue.started_at IS NULL
            AND v_job.check_hash <> pgimport._check_hash(v_job) THEN 'check'
        ELSE 'insert'
    END;
    PERFORM set_config('pgimport.language', coalesce(v_queue.language, ''), true);
    v_answer := pgimport._run_as_owner(
        v_job, v_act,
        jsonb_strip_nulls(jsonb_build_object('batch_rows', v_queue.options -> 'batch_rows')),
        coalesce(p_search_path, v_queue.search_path)
    );
    PERFORM set_config('pgimport.language', coalesce(c_language, ''), true);

    -- a job that is completed, or lost its staged rows, has left the queue by now
    UPDATE pgimport.job_queue AS q
    SET attempts = CASE WHEN (v_answer ->> 'success')::boolean THEN least(q.attempts, 1)
            ELSE q.attempts END,
        is_checked = q.is_checked OR (v_answer ->> 'success')::boolean,
        started_at = coalesce(q.started_at, clock_timestamp()),
        heartbeat_at = clock_timestamp(),
        lease_until = CASE WHEN q.state = 'running' THEN clock_timestamp() + q.lease END
    WHERE q.job_id = p_job_id AND q.queue_no = v_queue.queue_no
    RETURNING q.* INTO STRICT v_queue;
    IF v_queue.state = 'running' AND NOT (v_answer ->> 'success')::boolean THEN
        v_queue := pgimport._give_back(
            v_queue,
            coalesce(v_answer #>> '{details,sqlstate}', v_answer ->> 'code'),
            coalesce(v_answer #>> '{details,message}', v_answer ->> 'message')
        );
        v_answer := v_answer || jsonb_build_object(
            'message', pgimport._released_message(v_queue)
        );
    END IF;
    v_job := pgimport._read_job(p_job_id);

    RETURN v_answer || pgimport._queue_keys(v_queue) || jsonb_build_object(
        'status', v_job.status, 'act', v_act, 'done', v_queue.state <> 'running'
    );
END;
$run_job$;

COMMENT ON FUNCTION pgimport.run_job(uuid, bigint, text) IS
'Does the next step of a claimed job: check, insert, or one batch; call it until done is true. '
'Keys: those of check_job or insert_job, and act (check, insert), done, state, attempt, run_after. '
'Example: select pgimport.run_job(:''job'', 1)';
