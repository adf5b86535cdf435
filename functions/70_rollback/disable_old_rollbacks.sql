-- Closes the rollback of all completed jobs past their window, or older than an interval.
-- Called by users and by a scheduler. A job that somebody holds at this moment is left for later.
CREATE OR REPLACE FUNCTION pgimport.disable_old_rollbacks(
    p_older_than interval DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $disable_old_rollbacks$
DECLARE
    v_job_id uuid;
    v_disabled jsonb := '[]'::jsonb;
BEGIN
    FOR v_job_id IN
        SELECT j.job_id FROM pgimport.job AS j
        WHERE j.status = 'completed'
            AND j.rollback_disabled_at IS NULL
            AND CASE
                WHEN p_older_than IS NULL THEN j.rollback_until < clock_timestamp()
                ELSE j.completed_at < clock_timestamp() - p_older_than
            END
        ORDER BY j.job_id
        FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM pgimport.disable_rollback(v_job_id, 'the window for a rollback is over');
        v_disabled := v_disabled || to_jsonb(v_job_id);
    END LOOP;

    RETURN pgimport._target_envelope(
        NULL,
        format('the rollback of %s was closed',
            pgimport._count_of(jsonb_array_length(v_disabled), 'job')),
        jsonb_build_object('disabled', v_disabled)
    );
END;
$disable_old_rollbacks$;

COMMENT ON FUNCTION pgimport.disable_old_rollbacks(interval) IS
'Closes the rollback of completed jobs past their window, or completed longer ago than an '
'interval. Key: disabled[]. Example: select pgimport.disable_old_rollbacks()';
