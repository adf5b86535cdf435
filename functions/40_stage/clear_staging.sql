-- Frees the staged rows of a job. A job that was not inserted goes back to waiting for files; a
-- completed one keeps everything but the staged rows and the reports made from them.
-- Called by users. Raises PI001, PI101, PI102.
CREATE OR REPLACE FUNCTION pgimport.clear_staging(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $clear_staging$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_rows bigint;
    v_files bigint;
BEGIN
    PERFORM pgimport._require_status(
        v_job,
        '{pending,staging,staged,checked,completed,failed,cancelled,staging_lost,rolled_back}',
        'cleared'
    );

    SELECT coalesce(sum(f.rows_staged), 0) INTO v_rows
    FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.status = 'staged';

    PERFORM pgimport._drop_staging(p_job_id);
    UPDATE pgimport.file SET status = 'cleared'
    WHERE job_id = p_job_id AND status IN ('open', 'staged');
    GET DIAGNOSTICS v_files = ROW_COUNT;

    IF v_job.status IN ('staged', 'checked', 'failed', 'staging_lost') THEN
        UPDATE pgimport.job SET status = 'staging', staged_at = NULL
        WHERE job_id = p_job_id;
    END IF;
    PERFORM pgimport._log_event(
        p_job_id, 'staging_cleared', jsonb_build_object('rows', v_rows, 'files', v_files)
    );

    RETURN pgimport._envelope(
        pgimport._read_job(p_job_id),
        format('%s of %s cleared', pgimport._count_of(v_rows, 'staged row'),
            pgimport._count_of(v_files, 'file')),
        jsonb_build_object('cleared_rows', v_rows, 'remaining_rows', 0)
    );
END;
$clear_staging$;

COMMENT ON FUNCTION pgimport.clear_staging(uuid) IS
'Frees the staged rows of a job and returns cleared_rows and remaining_rows. '
'Example: select pgimport.clear_staging(:''job'')';
