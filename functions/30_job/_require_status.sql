-- Refuses an act that the job's status does not allow, and names the one that would help.
-- Called by every function that moves a job. Raises PI102.
CREATE OR REPLACE FUNCTION pgimport._require_status(
    p_job pgimport.job,
    p_allowed text[],
    p_act text
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_require_status$
BEGIN
    IF p_job.status = ANY (p_allowed) THEN
        RETURN;
    END IF;

    RAISE EXCEPTION USING
        ERRCODE = 'PI102',
        MESSAGE = format(
            'job "%s" is %s: it cannot be %s', p_job.job_id, p_job.status, p_act
        ),
        DETAIL = format('allowed when the job is: %s', array_to_string(p_allowed, ', ')),
        HINT = CASE p_job.status
            WHEN 'pending' THEN format(
                'stage a file first: select pgimport.stage_file(%L, ''a.csv'', ''{…}'');',
                p_job.job_id
            )
            WHEN 'staging' THEN format('select pgimport.check_job(%L);', p_job.job_id)
            WHEN 'staged' THEN format('select pgimport.check_job(%L);', p_job.job_id)
            WHEN 'checked' THEN format('select pgimport.insert_job(%L);', p_job.job_id)
            WHEN 'queued' THEN format(
                'a worker will take it (pgimport worker); to take it back: '
                'select pgimport.cancel_job(%L);', p_job.job_id
            )
            WHEN 'inserting' THEN format(
                'the next batch: select pgimport.insert_job(%1$L); or all undone: '
                'select pgimport.rollback_job(%1$L);', p_job.job_id
            )
            WHEN 'failed' THEN format('select pgimport.check_job(%L);', p_job.job_id)
            WHEN 'completed' THEN format('select pgimport.plan_rollback(%L);', p_job.job_id)
            WHEN 'staging_lost' THEN 'stage its files again with pgimport.stage_file() and '
                'the option "file_no"'
            WHEN 'rolled_back' THEN format('select pgimport.redo_job(%L);', p_job.job_id)
            ELSE 'start a new job with pgimport.create_job()'
        END;
END;
$_require_status$;

COMMENT ON FUNCTION pgimport._require_status(pgimport.job, text[], text) IS
'internal: raises PI102 unless the job is in one of the allowed states.';
