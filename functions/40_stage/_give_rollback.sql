-- Lets those who may roll back a job of another role read what proves its rows untouched and the
-- before-images, note in these what was put back, and use the job's live counter: administrators
-- and the target's rollback_role. A role that is named, or becomes administrator, later has these
-- rights in jobs that are inserted after.
-- Called by _give_staging. Does nothing where the job has no such tables.
CREATE OR REPLACE FUNCTION pgimport._give_rollback(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_give_rollback$
DECLARE
    r_right record;
BEGIN
    FOR r_right IN
        SELECT c.relname, r.rolname
        FROM pg_class AS c
        CROSS JOIN (
            SELECT g.role_name FROM pgimport.role_grant AS g WHERE g.level = 'admin'
            UNION
            SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n
            WHERE n.nspname = 'pgimport'
            UNION
            SELECT t.options ->> 'rollback_role' FROM pgimport.target AS t
            INNER JOIN pgimport.job AS j ON j.target_id = t.target_id
            WHERE j.job_id = p_job_id
        ) AS w
        INNER JOIN pg_roles AS r ON r.rolname = w.role_name
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname IN (
                pgimport._staging_name(p_job_id, '_print'),
                pgimport._staging_name(p_job_id, '_image'),
                pgimport._staging_name(p_job_id, '_count')
            )
            AND c.relkind IN ('r', 'S')
            AND c.relowner <> r.oid
            AND pg_has_role(c.relowner, 'USAGE')
            AND NOT has_table_privilege(r.oid, c.oid, 'UPDATE')
        ORDER BY c.relname, r.rolname
    LOOP
        EXECUTE format(
            'GRANT SELECT, UPDATE ON pgimport_staging.%I TO %I', r_right.relname, r_right.rolname
        );
    END LOOP;
END;
$_give_rollback$;

COMMENT ON FUNCTION pgimport._give_rollback(uuid) IS
'internal: lets administrators and the rollback_role use the before-images of a job.';
