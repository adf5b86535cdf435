-- What the database itself says of the rollback of a completed job: none after its window or once
-- it is closed, and neither is taken back. Only the insert opens a window.
-- Called by the trigger _guard_job. Raises PI104, PI502, PI503.
CREATE OR REPLACE FUNCTION pgimport._guard_window(
    p_old pgimport.job,
    p_new pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_guard_window$
DECLARE
    v_rolls_back boolean := p_new.status = 'rolled_back'
        OR p_new.partial_rollbacks > p_old.partial_rollbacks;
BEGIN
    IF coalesce(p_new.rollback_until, 'infinity') > coalesce(p_old.rollback_until, 'infinity')
        OR (
            p_old.rollback_disabled_at IS NOT NULL
            AND p_new.rollback_disabled_at IS DISTINCT FROM p_old.rollback_disabled_at
        )
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI104',
            MESSAGE = format('the window for a rollback of job "%s" cannot be made longer',
                p_old.job_id),
            DETAIL = format('it ends on %s%s', p_old.rollback_until,
                coalesce(format('; closed on %s', p_old.rollback_disabled_at), '')),
            HINT = 'the option "rollback_window" of the target decides for later jobs';
    ELSIF v_rolls_back AND p_old.rollback_disabled_at IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI503',
            MESSAGE = format('job "%s" cannot be rolled back: it was disabled on %s by "%s"',
                p_old.job_id, p_old.rollback_disabled_at, p_old.rollback_disabled_by),
            HINT = format('select jsonb_pretty(pgimport.get_job(%L));', p_old.job_id);
    ELSIF v_rolls_back AND p_old.rollback_until < statement_timestamp() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI502',
            MESSAGE = format('job "%s" cannot be rolled back: its window ended on %s',
                p_old.job_id, p_old.rollback_until),
            HINT = format('select jsonb_pretty(pgimport.get_job(%L));', p_old.job_id);
    END IF;
END;
$_guard_window$;

COMMENT ON FUNCTION pgimport._guard_window(pgimport.job, pgimport.job) IS
'internal: keeps the rollback of a completed job inside its window, also against an UPDATE.';

-- The state machine of jobs, enforced on the table itself: a direct UPDATE, whoever sends it,
-- takes an allowed edge or none. A job's row is never deleted, and the window of its rollback is
-- never made longer.
-- Called by triggers on pgimport.job. Raises PI103, PI104, PI502, PI503.
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

    IF old.deleted_at IS NOT NULL AND (new.status, new.deleted_at, new.deleted_by)
        IS DISTINCT FROM (old.status, old.deleted_at, old.deleted_by)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI104',
            MESSAGE = format('job "%s" was deleted on %s by "%s": its record stays as it is',
                old.job_id, old.deleted_at, old.deleted_by),
            HINT = 'select pgimport.create_job(target) starts another job';
    END IF;

    IF old.status IN ('completed', 'inserting') THEN
        PERFORM pgimport._guard_window(old, new);
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

-- session_replication_role = replica does not get round them either
ALTER TABLE pgimport.job ENABLE ALWAYS TRIGGER guard_job;
ALTER TABLE pgimport.job ENABLE ALWAYS TRIGGER guard_job_truncate;
