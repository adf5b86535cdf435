-- Gives a job up: its staged rows are dropped, its record stays, its file may be imported again.
-- Called by users; cancelling a cancelled job says so and changes nothing.
-- Raises PI001, PI101, PI102.
CREATE OR REPLACE FUNCTION pgimport.cancel_job(
    p_job_id uuid,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $cancel_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
BEGIN
    IF v_job.status = 'cancelled' THEN
        RETURN pgimport._envelope(
            v_job, format('job %s was cancelled before', p_job_id), '{"reason": null}'
        );
    END IF;
    PERFORM pgimport._require_status(
        v_job, '{pending,staging,staged,checked,queued,failed,staging_lost}', 'cancelled'
    );

    PERFORM pgimport._drop_staging(p_job_id);
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_count'));
    UPDATE pgimport.file SET status = 'cleared'
    WHERE job_id = p_job_id AND status IN ('open', 'staged');
    UPDATE pgimport.job SET status = 'cancelled', finished_at = clock_timestamp()
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;
    PERFORM pgimport._log_event(
        p_job_id, 'cancelled', jsonb_strip_nulls(jsonb_build_object('reason', p_reason))
    );

    RETURN pgimport._envelope(
        v_job,
        format('job %s is cancelled: nothing was written to the target', p_job_id),
        jsonb_build_object('reason', p_reason)
    );
END;
$cancel_job$;

COMMENT ON FUNCTION pgimport.cancel_job(uuid, text) IS
'Gives up a job that is not inserted: frees its staged rows, keeps its record. '
'Example: select pgimport.cancel_job(:''job'', ''wrong file'')';
