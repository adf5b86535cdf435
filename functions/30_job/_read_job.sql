-- Returns a job without locking it.
-- Called by functions that only look. Raises PI001 (no job given), PI101 (no such job).
CREATE OR REPLACE FUNCTION pgimport._read_job(
    p_job_id uuid
)
RETURNS pgimport.job
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_read_job$
DECLARE
    v_job pgimport.job;
BEGIN
    IF p_job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no job given: "p_job_id" is null',
            HINT = 'select job_id, target, status from pgimport.list_jobs();';
    END IF;

    SELECT * INTO v_job FROM pgimport.job WHERE job_id = p_job_id;

    IF v_job.job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI101',
            MESSAGE = format('job "%s" does not exist', p_job_id),
            HINT = 'select job_id, target, status from pgimport.list_jobs();';
    END IF;

    RETURN v_job;
END;
$_read_job$;

COMMENT ON FUNCTION pgimport._read_job(uuid) IS
'internal: returns the row of a job, or raises PI101.';
