-- The installation, and what the caller may do: its level, staging, rights on each target.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_install()
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_install$
#variable_conflict use_column
DECLARE
    v_ledger text := (
        SELECT s.version FROM pgimport.schema_step AS s WHERE s.name = 'functions'
    );
    v_is_extension boolean := EXISTS (
        SELECT FROM pg_extension AS x WHERE x.extname = 'pgimport'
    );
    v_is_right boolean;
    v_owner oid := (SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgimport');
    v_level text := (
        SELECT g.level
        FROM pgimport.role_grant AS g
        INNER JOIN pg_roles AS r ON r.rolname = g.role_name
        WHERE pg_has_role(r.oid, 'USAGE')
        ORDER BY array_position('{admin,importer,viewer}', g.level)
        LIMIT 1
    );
    r_role record;
BEGIN
    v_is_right := v_ledger IS NOT DISTINCT FROM pgimport.version();
    RETURN QUERY VALUES (
        'version',
        CASE WHEN v_is_right THEN 'ok' ELSE 'problem' END,
        CASE
            WHEN v_is_right THEN concat(v_ledger, CASE WHEN v_is_extension THEN ', extension' END)
            ELSE format('tables %s, functions %s', coalesce(v_ledger, 'unknown'), pgimport.version())
        END,
        CASE WHEN NOT v_is_right THEN 'an install or upgrade was not finished' END,
        CASE
            WHEN v_is_right THEN NULL
            WHEN v_is_extension THEN 'ALTER EXTENSION pgimport UPDATE;'
            ELSE 'pgimport upgrade'
        END
    ), (
        'server',
        CASE WHEN pg_is_in_recovery() THEN 'problem' ELSE 'ok' END,
        concat(
            current_setting('server_version'),
            CASE WHEN pg_is_in_recovery() THEN ', a standby' END
        ),
        CASE WHEN pg_is_in_recovery() THEN 'a standby is only read' END,
        CASE WHEN pg_is_in_recovery() THEN 'connect to the primary server' END
    );

    SELECT r.rolname AS name, r.rolsuper OR r.rolbypassrls AS is_above INTO STRICT r_role
    FROM pg_roles AS r WHERE r.rolname = current_user;
    v_level := CASE
        WHEN r_role.is_above AND pg_has_role(v_owner, 'USAGE')
            THEN 'superuser or above row-level security: fine for a server of your own'
        WHEN pg_has_role(v_owner, 'USAGE') THEN 'owner of pgimport'
        ELSE v_level
    END;
    RETURN QUERY VALUES (
        'role',
        CASE WHEN v_level IS NULL THEN 'warning' ELSE 'ok' END,
        format('"%s", %s', r_role.name, coalesce(v_level, 'with rights that are not recorded')),
        CASE WHEN v_level IS NULL THEN 'an upgrade does not give them again' END,
        CASE WHEN v_level IS NULL
            THEN format('SELECT pgimport.grant_usage(%L, ''viewer'');', r_role.name) END
    );
    IF v_level = 'viewer' OR v_level IS NULL THEN
        RETURN;
    END IF;

    RETURN QUERY
    SELECT
        'right to stage',
        CASE WHEN h.may THEN 'ok' ELSE 'problem' END,
        CASE WHEN h.may THEN 'held' ELSE 'missing' END,
        CASE WHEN NOT h.may THEN 'each file gets a table of its own in that schema' END,
        CASE WHEN NOT h.may THEN
            format('GRANT USAGE, CREATE ON SCHEMA pgimport_staging TO %I;', r_role.name) END
    FROM (
        SELECT has_schema_privilege('pgimport_staging', 'CREATE')
            AND has_schema_privilege('pgimport_staging', 'USAGE') AS may
    ) AS h;
    RETURN QUERY
    SELECT * FROM pgimport._doctor_rights(r_role.name);
END;
$_doctor_install$;

COMMENT ON FUNCTION pgimport._doctor_install() IS
'internal: the installation and the rights of the caller, for doctor().';

-- Rights of the caller on the targets: an import inserts, an upsert updates, a rollback deletes
-- with them. Rights on some columns are enough where they are given for columns. Of a target on
-- which the caller has no right at all it is only warned.
-- Called by _doctor_install().
CREATE OR REPLACE FUNCTION pgimport._doctor_rights(
    p_role text
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_rights$
#variable_conflict use_column
DECLARE
    v_bad bigint := 0;
    v_targets bigint := 0;
    r_target record;
BEGIN
    FOR r_target IN
        SELECT
            t.name,
            c.oid::regclass AS relation,
            CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN
                format('GRANT USAGE ON SCHEMA %I TO %I; ', n.nspname, p_role) END AS schema_sql,
            (
                SELECT string_agg(r.name, ', ' ORDER BY r.place)
                FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[])
                    WITH ORDINALITY AS r (name, place)
                WHERE NOT has_table_privilege(c.oid, r.name)
                    AND (r.name <> 'UPDATE' OR t.options ->> 'on_duplicate' = 'update')
                    AND (r.name = 'DELETE' OR NOT has_any_column_privilege(c.oid, r.name))
            ) AS missing,
            -- not even the smallest right, and no job: perhaps it is not meant to import there
            has_any_column_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'INSERT')
            OR EXISTS (
                SELECT FROM pgimport.job AS j
                WHERE j.target_id = t.target_id AND j.owner_role = current_user
            ) AS is_used
        FROM pgimport.target AS t
        INNER JOIN pg_namespace AS n ON n.nspname = t.schema_name
        INNER JOIN pg_class AS c
            ON c.relnamespace = n.oid AND c.relname = t.table_name AND c.relkind IN ('r', 'p')
        WHERE t.dropped_at IS NULL
        ORDER BY t.name
    LOOP
        v_targets := v_targets + 1;
        CONTINUE WHEN r_target.missing IS NULL AND r_target.schema_sql IS NULL;
        v_bad := v_bad + 1;
        RETURN QUERY VALUES (
            format('rights on target %s', r_target.name),
            CASE WHEN r_target.is_used THEN 'problem' ELSE 'warning' END,
            format('%s missing', concat_ws(
                ', ', CASE WHEN r_target.schema_sql IS NOT NULL THEN 'USAGE of its schema' END,
                r_target.missing
            )),
            'an import reads and inserts, a rollback deletes, with the rights of whoever calls',
            rtrim(concat(
                r_target.schema_sql,
                CASE WHEN r_target.missing IS NOT NULL THEN
                    format('GRANT %s ON %s TO %I;', r_target.missing, r_target.relation, p_role)
                END
            ))
        );
    END LOOP;
    IF v_bad = 0 AND v_targets > 0 THEN
        RETURN QUERY VALUES (
            'rights on targets', 'ok', pgimport._count_of(v_targets, 'target'),
            NULL::text, NULL::text
        );
    END IF;
END;
$_doctor_rights$;

COMMENT ON FUNCTION pgimport._doctor_rights(text) IS
'internal: rights of the caller on the targets, for doctor().';
