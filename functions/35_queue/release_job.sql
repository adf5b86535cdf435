-- Gives a claimed job back. With the SQLSTATE and message of an error that run_job raised: after a
-- temporary one it waits and is tried again, after any other, or when its attempts are used up, it
-- is dead in the queue and failed. Without them, as when a worker stops, it waits as before.
-- Called by workers. Raises PI001, PI003, PI105.
CREATE OR REPLACE FUNCTION pgimport.release_job(
    p_job_id uuid,
    p_fence bigint,
    p_sqlstate text DEFAULT NULL,
    p_message text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $release_job$
DECLARE
    v_queue pgimport.job_queue := pgimport._require_claim(p_job_id, p_fence);
BEGIN
    IF p_sqlstate !~ '^[0-9A-Z]{5}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = '"p_sqlstate" is not the code of an error',
            DETAIL = format('it was %s', left(p_sqlstate, 100)),
            HINT = 'five digits and capital letters, such as 55P03; null gives the job back unused';
    END IF;
    PERFORM pgimport._lock_job(p_job_id);
    -- somebody may have cancelled the job while we waited for it
    v_queue := pgimport._require_claim(p_job_id, p_fence);
    v_queue := pgimport._give_back(v_queue, p_sqlstate, left(p_message, 10000));

    RETURN pgimport._queue_envelope(v_queue, pgimport._released_message(v_queue));
END;
$release_job$;

COMMENT ON FUNCTION pgimport.release_job(uuid, bigint, text, text) IS
'Gives a claimed job back, after an error with its SQLSTATE and message: it waits to be tried '
'again, or is dead. Keys: state, attempt, run_after. '
'Example: select pgimport.release_job(:''job'', 1, ''55P03'', ''lock timeout'')';

-- What became of a job that was given back, in words. Called by release_job and run_job.
CREATE OR REPLACE FUNCTION pgimport._released_message(
    p_queue pgimport.job_queue
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_released_message$
BEGIN
    RETURN CASE
        WHEN p_queue.state = 'dead' THEN format(
            'job %s is dead after %s: %s', p_queue.job_id,
            pgimport._count_of(p_queue.attempts, 'attempt'),
            coalesce(p_queue.last_message, p_queue.last_sqlstate)
        )
        WHEN p_queue.last_sqlstate IS NULL THEN format('job %s waits again', p_queue.job_id)
        ELSE format(
            'job %s is tried again after %s, attempt %s of %s failed: %s', p_queue.job_id,
            p_queue.run_after, p_queue.attempts, p_queue.max_attempts,
            coalesce(p_queue.last_message, p_queue.last_sqlstate)
        )
    END;
END;
$_released_message$;

COMMENT ON FUNCTION pgimport._released_message(pgimport.job_queue) IS
'internal: what became of a job that was given back.';
