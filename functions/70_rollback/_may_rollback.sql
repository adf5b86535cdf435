-- Why the caller may not roll a job back, as a reason {code, message} of a plan; null when he may.
-- Jobs of others are rolled back by those who see them; where the target names a rollback_role, by
-- its members alone. A role that has the rights of the job's owner is no other.
-- Called by the rollback planner and _may_rollback. Code: PI507.
CREATE OR REPLACE FUNCTION pgimport._rollback_right(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_rollback_right$
DECLARE
    v_role text;
BEGIN
    IF p_job.owner_role = ANY (pgimport._my_roles()) THEN
        RETURN NULL;
    END IF;

    SELECT t.options ->> 'rollback_role' INTO v_role
    FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    IF v_role IS NULL OR v_role = ANY (pgimport._my_roles()) THEN
        RETURN NULL;
    END IF;

    -- a superuser passes whatever role is named, also one that is gone
    IF (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        RETURN NULL;
    END IF;

    RETURN jsonb_build_object(
        'code', 'PI507',
        'message', format(
            'it is a job of role "%s": only members of "%s" may roll back jobs of others here',
            p_job.owner_role, v_role
        )
    );
END;
$_rollback_right$;

COMMENT ON FUNCTION pgimport._rollback_right(pgimport.job) IS
'internal: why the caller may not roll a job back, as a reason of a plan, or null.';

-- Refuses a rollback by a role that the target does not let roll back jobs of others.
-- Called by rollback_job. Raises PI507.
CREATE OR REPLACE FUNCTION pgimport._may_rollback(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_may_rollback$
DECLARE
    v_reason jsonb := pgimport._rollback_right(p_job);
BEGIN
    IF v_reason IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = v_reason ->> 'code',
            MESSAGE = format('job "%s" cannot be rolled back by "%s": %s',
                p_job.job_id, current_user, v_reason ->> 'message'),
            DETAIL = 'the option "rollback_role" of the target says so',
            HINT = format('SET ROLE %I; or ask a member of that role', p_job.owner_role);
    END IF;
END;
$_may_rollback$;

COMMENT ON FUNCTION pgimport._may_rollback(pgimport.job) IS
'internal: raises PI507 when the target does not let the caller roll back jobs of others.';
