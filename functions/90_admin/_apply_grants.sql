-- Gives the roles recorded by grant_usage() the rights of their level on everything this version
-- has, and takes from them what their level does not include.
-- Called when a row of pgimport.role_grant is written and, at every install, by schema/end.sql: by
-- the owner of pgimport.
CREATE OR REPLACE FUNCTION pgimport._apply_grants()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_apply_grants$
-- rights and routines are from the lists below: @plpgsql_check_options: security_warnings = false
DECLARE
    c_levels CONSTANT text[] := ARRAY['viewer', 'importer', 'admin'];
    r_role record;
    r_right record;
BEGIN
    FOR r_role IN
        SELECT g.role_name, array_position(c_levels, g.level) AS rank
        FROM pgimport.role_grant AS g
        INNER JOIN pg_roles AS r ON g.role_name = r.rolname
        -- the owner has every right already, and is to lose none
        WHERE
            r.oid <> (
                SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgimport'
            )
        ORDER BY g.role_name
    LOOP
        -- a role that went down a level keeps nothing of the higher one
        EXECUTE format(
            'REVOKE ALL ON SCHEMA pgimport, pgimport_staging FROM %I', r_role.role_name
        );
        EXECUTE format(
            'REVOKE ALL ON ALL TABLES IN SCHEMA pgimport FROM %I', r_role.role_name
        );
        EXECUTE format(
            'REVOKE ALL ON ALL ROUTINES IN SCHEMA pgimport FROM %I', r_role.role_name
        );

        EXECUTE format(
            'GRANT USAGE ON SCHEMA pgimport, pgimport_staging TO %I', r_role.role_name
        );
        IF r_role.rank >= 2 THEN
            EXECUTE format('GRANT CREATE ON SCHEMA pgimport_staging TO %I', r_role.role_name);
        END IF;
        -- not on partitions: they are read and written by the table they are part of alone
        EXECUTE (
            SELECT format(
                'GRANT SELECT ON %s TO %I',
                string_agg(format('pgimport.%I', c.relname), ', '), r_role.role_name
            )
            FROM pg_class AS c
            WHERE c.relnamespace = 'pgimport'::regnamespace
                AND c.relkind IN ('r', 'p', 'v', 'm')
                AND NOT c.relispartition
        );
        FOR r_right IN
            SELECT w.rights, w.table_name
            FROM (
                VALUES
                (2, 'INSERT, UPDATE', 'job'),
                (2, 'INSERT, UPDATE, DELETE', 'file'),
                (2, 'INSERT, UPDATE, DELETE', 'issue'),
                (2, 'INSERT, UPDATE', 'job_queue'),
                (2, 'INSERT', 'job_write'),
                (2, 'INSERT', 'job_event'),
                (2, 'INSERT, DELETE', 'saved_mapping'),
                (2, 'INSERT, UPDATE', 'fix'),
                (2, 'INSERT', 'fix_record'),
                (2, 'INSERT', 'kept_row'),
                (2, 'INSERT', 'row_history'),
                (3, 'INSERT, UPDATE', 'target'),
                (3, 'INSERT, UPDATE, DELETE', 'target_column'),
                (3, 'INSERT, DELETE', 'job_limit')
            ) AS w (rank, rights, table_name)
            WHERE w.rank <= r_role.rank
        LOOP
            EXECUTE format(
                'GRANT %s ON pgimport.%I TO %I',
                r_right.rights, r_right.table_name, r_role.role_name
            );
        END LOOP;
        FOR r_right IN
            SELECT p.oid::regprocedure AS routine
            FROM pg_proc AS p
            WHERE
                p.pronamespace = 'pgimport'::regnamespace
                AND array_position(c_levels, pgimport._function_level(p.proname))
                <= r_role.rank
            ORDER BY p.proname
        LOOP
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', r_right.routine, r_role.role_name);
        END LOOP;
    END LOOP;
END;
$_apply_grants$;

COMMENT ON FUNCTION pgimport._apply_grants() IS
'internal: gives the roles in pgimport.role_grant the rights of their level.';
