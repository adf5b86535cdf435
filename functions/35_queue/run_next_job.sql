-- Claims the next job and runs it, in one transaction: for pg_cron, or any scheduler that can send
-- one statement. Of a job in batches it writes one; the next call goes on. An error of the job is
-- caught and becomes its state, so that the next call does not meet it again at once.
-- Called by schedulers. Raises PI001.
CREATE OR REPLACE FUNCTION pgimport.run_next_job(
    p_worker text DEFAULT 'sql'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $run_next_job$
DECLARE
    v_claim jsonb := pgimport.claim_job(p_worker, '1 day');
    v_job_id uuid := (v_claim ->> 'job_id')::uuid;
    v_fence bigint := (v_claim ->> 'fence')::bigint;
    v_answer jsonb;
    v_sqlstate text;
    v_message text;
BEGIN
    IF v_job_id IS NULL THEN
        RETURN v_claim || '{"done": true, "act": null}';
    END IF;

    BEGIN
        LOOP
            v_answer := pgimport.run_job(v_job_id, v_fence);
            EXIT WHEN (v_answer ->> 'done')::boolean OR v_answer ->> 'status' = 'inserting';
        END LOOP;
    EXCEPTION
        -- the whole transaction is doomed and must be tried again by the caller
        WHEN serialization_failure THEN
            RAISE;
        -- as in the insert: every error becomes the state of the job
        WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_sqlstate = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT;
    END;

    IF v_sqlstate IS NOT NULL THEN
        v_answer := pgimport.release_job(v_job_id, v_fence, v_sqlstate, v_message)
            || jsonb_build_object(
                'success', false,
                'act', NULL,
                'code', CASE WHEN v_sqlstate LIKE 'PI%' THEN v_sqlstate ELSE 'PI404' END,
                'hint', format('select * from pgimport.job_events(%L);', v_job_id),
                'details', jsonb_build_object('sqlstate', v_sqlstate, 'message', v_message)
            );
    ELSIF NOT (v_answer ->> 'done')::boolean THEN
        v_answer := v_answer || pgimport._queue_keys(
            pgimport._give_back(pgimport._require_claim(v_job_id, v_fence), NULL, NULL)
        );
    END IF;

    RETURN v_answer || jsonb_build_object('done', v_answer ->> 'state' <> 'waiting');
END;
$run_next_job$;

COMMENT ON FUNCTION pgimport.run_next_job(text) IS
'Claims the next waiting job and runs it, or one batch of it, in this transaction; job_id is null '
'when none is waiting. Keys: those of run_job. '
'Example: select pgimport.run_next_job()';
