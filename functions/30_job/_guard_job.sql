-- The state machine of jobs, enforced on the table itself: a direct UPDATE, whoever sends it,
-- takes an allowed edge or none. A job's row is never deleted.
-- Called by triggers on pgimport.job and pgimport.job_event. Raises PI103, PI104.
CREATE OR REPLACE FUNCTION pgimport._guard_job()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_guard_job$
BEGIN
    IF tg_op <> 'UPDATE' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI104',
            MESSAGE = 'jobs are kept for ever: a job cannot be deleted',
            HINT = 'select pgimport.clear_staging(job_id) frees the space of a job';
    END IF;

    IF (new.job_id, new.target_id, new.owner_role, new.created_at)
        IS DISTINCT FROM (old.job_id, old.target_id, old.owner_role, old.created_at)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI104',
            MESSAGE = format('the identity of job "%s" cannot be changed', old.job_id),
            DETAIL = 'job_id, target_id, owner_role and created_at are for ever',
            HINT = 'select pgimport.create_job(target) starts another job';
    END IF;

    IF new.status IS DISTINCT FROM old.status
        AND NOT pgimport._is_edge(old.status, new.status)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI103',
            MESSAGE = format(
                'job "%s" cannot go from %s to %s', old.job_id, old.status, new.status
            ),
            HINT = 'use the functions of pgimport: they take the allowed edges';
    END IF;

    RETURN new;
END;
$_guard_job$;

COMMENT ON FUNCTION pgimport._guard_job() IS
'internal: trigger that lets a job change its status along allowed edges only.';

CREATE OR REPLACE TRIGGER guard_job
BEFORE UPDATE OR DELETE ON pgimport.job
FOR EACH ROW EXECUTE FUNCTION pgimport._guard_job();

CREATE OR REPLACE TRIGGER guard_job_truncate
BEFORE TRUNCATE ON pgimport.job
FOR EACH STATEMENT EXECUTE FUNCTION pgimport._guard_job();
