-- Closes the rollback of one job for good: who, when and why are recorded.
-- Called by users. Raises PI001, PI101, PI102.
CREATE OR REPLACE FUNCTION pgimport.disable_rollback(
    p_job_id uuid,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $disable_rollback$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
BEGIN
    PERFORM pgimport._require_status(v_job, '{completed}', 'closed for rollback');

    IF v_job.rollback_disabled_at IS NULL THEN
        UPDATE pgimport.job
        SET rollback_disabled_at = clock_timestamp(),
            rollback_disabled_by = current_user,
            rollback_disabled_reason = p_reason
        WHERE job_id = p_job_id
        RETURNING * INTO v_job;
        PERFORM pgimport._log_event(
            p_job_id, 'rollback_disabled', jsonb_strip_nulls(jsonb_build_object('reason', p_reason))
        );
    END IF;

    RETURN pgimport._envelope(
        v_job,
        format('job %s cannot be rolled back any more', p_job_id),
        jsonb_build_object('disabled', jsonb_build_array(p_job_id))
    );
END;
$disable_rollback$;

COMMENT ON FUNCTION pgimport.disable_rollback(uuid, text) IS
'Closes the rollback of one completed job for good. '
'Example: select pgimport.disable_rollback(:''job'', ''booked'')';
