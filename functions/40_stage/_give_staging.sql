-- Gives what is staged of a job to the role that owns the job: when somebody else who may (a
-- superuser, a member of that role) stages or checks for it, its owner must not be locked out.
-- Called wherever staging is made. Does nothing for the owner itself, but for the rights of those
-- who may roll the job back.
CREATE OR REPLACE FUNCTION pgimport._give_staging(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_give_staging$
DECLARE
    v_owner regrole;
    r_relation record;
BEGIN
    PERFORM pgimport._give_rollback(p_job_id);

    SELECT r.oid INTO v_owner
    FROM pgimport.job AS j
    INNER JOIN pg_roles AS r ON r.rolname = j.owner_role
    WHERE j.job_id = p_job_id AND j.owner_role <> current_user;

    -- from version 16 on, members of a role need the option SET to give it anything
    IF v_owner IS NULL OR NOT pg_has_role(
        v_owner,
        CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET'
            ELSE 'MEMBER' END
    ) THEN
        RETURN;
    END IF;

    FOR r_relation IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname LIKE replace(pgimport._staging_name(p_job_id), '_', '\_') || '%'
            AND c.relkind IN ('r', 'p', 'v')
            AND c.relowner <> v_owner
            AND pg_has_role(c.relowner, 'USAGE')
        ORDER BY c.relname
    LOOP
        -- reaches views as well
        EXECUTE format(
            'ALTER TABLE pgimport_staging.%I OWNER TO %s', r_relation.relname, v_owner
        );
    END LOOP;
END;
$_give_staging$;

COMMENT ON FUNCTION pgimport._give_staging(uuid) IS
'internal: makes the owner of a job the owner of its staging tables.';
