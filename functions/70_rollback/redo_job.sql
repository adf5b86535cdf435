-- Imports a job that was rolled back once more, under the same id: its staged rows are checked
-- against the target as it is now and inserted. Rows that the rollback declared deleted are
-- declared alive instead, and updated ones get their new values back from the before-images.
-- Refused or failed, the job is where insert_job leaves it. A redo is rolled back like any insert.
-- Called by users; for a job that is completed it says so and changes nothing.
-- Raises PI001, PI101, PI102, PI205, PI304, PI315, PI602; returns PI402, PI403, PI404, PI405.
CREATE OR REPLACE FUNCTION pgimport.redo_job(
    p_job_id uuid,
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
SET enable_seqscan = on
AS $redo_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_check jsonb;
    v_answer jsonb;
BEGIN
    IF v_job.status = 'completed' THEN
        RETURN pgimport._insert_envelope(
            v_job, 0, format('job %s is completed: nothing to redo', p_job_id), '[]',
            '{"check": null}'
        ) || jsonb_build_object('redone', v_job.redone);
    END IF;
    PERFORM pgimport._require_status(v_job, '{rolled_back}', 'redone');
    PERFORM pgimport._take_slot(v_job);
    PERFORM pgimport._refuse_taken(v_job);

    IF v_job.rollback_soft AND v_job.rows_deleted > 0 THEN
        PERFORM set_config('timezone', v_job.time_zone, true);
        RETURN pgimport._redo_soft(v_job, p_search_path);
    END IF;

    PERFORM pgimport._require_staging(v_job);
    BEGIN
        v_job := pgimport._begin_redo(v_job);
    EXCEPTION
        -- another session has just taken the client's key
        WHEN unique_violation THEN
            PERFORM pgimport._refuse_taken(v_job);
            RAISE;
    END;
    v_check := pgimport.check_job(p_job_id, p_search_path);
    v_answer := pgimport.insert_job(p_job_id, '{}', p_search_path);

    RETURN v_answer || jsonb_build_object(
        'redone', v_job.redone,
        'warnings', (
            SELECT coalesce(jsonb_agg(DISTINCT w.value), '[]')
            FROM jsonb_array_elements(v_check -> 'warnings' || (v_answer -> 'warnings')) AS w
        ),
        'details', (v_answer -> 'details') || jsonb_build_object('check', v_check)
    );
END;
$redo_job$;

COMMENT ON FUNCTION pgimport.redo_job(uuid, text) IS
'Imports a job that was rolled back once more, under its id, from its staged rows; what a rollback '
'declared deleted is declared alive again. Keys: those of insert_job, redone; details.check is the '
'answer of check_job. Example: select jsonb_pretty(pgimport.redo_job(:''job''))';
