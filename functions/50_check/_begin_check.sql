-- How every check of a job begins: the job is locked, in a state that can be checked, its files are
-- one relation, and times without a zone are read in the job's own. Returns the warnings; the job
-- may be staged or staging_lost afterwards.
-- Called by check_job, mark_duplicates and validate_job, which pin TimeZone and so give it back.
-- Raises PI001, PI101, PI102, PI305, PI306.
CREATE OR REPLACE FUNCTION pgimport._begin_check(
    p_job_id uuid,
    p_act text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_begin_check$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
BEGIN
    PERFORM pgimport._require_status(
        v_job, '{pending,staging,staged,checked,failed,staging_lost}', p_act
    );
    PERFORM pgimport._take_slot(v_job);
    PERFORM set_config('timezone', v_job.time_zone, true);

    RETURN pgimport._seal_staging(v_job);
END;
$_begin_check$;

COMMENT ON FUNCTION pgimport._begin_check(uuid, text) IS
'internal: locks a job, checks its state and makes its files one relation, for a check.';
