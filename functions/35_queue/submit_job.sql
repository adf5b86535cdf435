-- Hands a job to the workers: it is checked, where it is not yet, and inserted by one of them. A
-- job of which batches are written is gone on with. The same call again says it was submitted.
-- Called by users. Raises PI001, PI002, PI003, PI101, PI102, PI107.
CREATE OR REPLACE FUNCTION pgimport.submit_job(
    p_job_id uuid,
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $submit_job$
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_job pgimport.job;
    v_queue pgimport.job_queue;
BEGIN
    PERFORM pgimport._check_submit_options(v_options);
    v_job := pgimport._lock_job(p_job_id);

    SELECT q.* INTO v_queue
    FROM pgimport.job_queue AS q
    WHERE q.job_id = p_job_id AND q.state IN ('waiting', 'running');
    IF v_queue.options = v_options THEN
        RETURN pgimport._queue_envelope(
            v_queue, format('job %s was submitted before: it is %s', p_job_id, v_queue.state),
            '{"existing": true}'
        );
    ELSIF v_queue.job_id IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI107',
            MESSAGE = format('job "%s" is in the queue already, with other options', p_job_id),
            DETAIL = format('it is %s, its options are %s', v_queue.state, v_queue.options),
            HINT = 'select * from pgimport.list_queue(); '
                'a waiting job keeps the options it was submitted with';
    END IF;

    PERFORM pgimport._require_status(v_job, '{staged,checked,failed,inserting}', 'queued');

    INSERT INTO pgimport.job_queue (
        job_id, priority, options, is_checked, search_path, run_after, max_attempts, fence
    )
    VALUES (
        p_job_id,
        coalesce((v_options ->> 'priority')::integer, 0),
        v_options,
        v_job.status IN ('checked', 'inserting'),
        coalesce(p_search_path, ''),
        coalesce((v_options ->> 'run_after')::timestamptz, clock_timestamp()),
        coalesce((v_options ->> 'max_attempts')::integer, 5),
        -- a worker that held the job long ago holds a lower number for ever
        coalesce(
            (SELECT max(q.fence) FROM pgimport.job_queue AS q WHERE q.job_id = p_job_id), 0
        )
    )
    RETURNING * INTO v_queue;

    UPDATE pgimport.job SET status = 'queued'
    WHERE job_id = p_job_id AND status <> 'inserting';
    PERFORM pgimport._log_event(
        p_job_id, 'submitted', jsonb_strip_nulls(jsonb_build_object('options', v_options))
    );

    RETURN pgimport._queue_envelope(
        v_queue,
        format('job %s waits for a worker, as number %s of the queue', p_job_id, v_queue.queue_no),
        '{"existing": false}'
    );
END;
$submit_job$;

COMMENT ON FUNCTION pgimport.submit_job(uuid, jsonb, text) IS
'Hands a staged, checked or failed job to the workers, or one that is inserting. Options: '
'batch_rows, priority (the highest first), run_after (a time), max_attempts (5). Keys: queue_no, '
'state, run_after, existing. '
'Example: select pgimport.submit_job(:''job'', ''{"batch_rows": 100000}'')';
