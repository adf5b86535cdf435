-- Lets a role use pgimport at one of three levels; recorded, so that every upgrade gives it again
-- for what is new. It gives no right on the targets: those are granted as for any other INSERT.
-- Called by the owner of pgimport. Raises PI001, PI003, PI601.
CREATE OR REPLACE FUNCTION pgimport.grant_usage(
    p_role text,
    p_level text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $grant_usage$
DECLARE
    c_levels CONSTANT text[] := ARRAY['viewer', 'importer', 'admin'];
    v_owner text;
BEGIN
    IF coalesce(p_role, '') = '' OR coalesce(p_level, '') = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = format(
                'p_%s is required', CASE WHEN coalesce(p_role, '') = '' THEN 'role' ELSE 'level' END
            ),
            HINT = 'select pgimport.grant_usage(''app'', ''importer'');';
    END IF;
    IF p_level <> ALL (c_levels) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('unknown level "%s"', left(p_level, 200)),
            DETAIL = 'Levels are viewer (sees), importer (also imports and rolls back) and admin '
            '(also registers targets, sees every job).',
            HINT = format('select pgimport.grant_usage(%L, ''importer'');', p_role);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = p_role) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('role "%s" does not exist', left(p_role, 200)),
            HINT = format('CREATE ROLE %I;', left(p_role, 63));
    END IF;
    SELECT pg_get_userbyid(n.nspowner) INTO v_owner
    FROM pg_namespace AS n
    WHERE n.nspname = 'pgimport';
    IF NOT pg_has_role(v_owner, 'USAGE') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI601',
            MESSAGE = format('only the owner of pgimport, role "%s", may grant its use', v_owner),
            HINT = format('SET ROLE %I;', v_owner);
    END IF;

    -- a trigger then gives the rights
    INSERT INTO pgimport.role_grant AS g (role_name, level)
    VALUES (p_role, p_level)
    ON CONFLICT (role_name) DO UPDATE
    SET level = excluded.level, granted_at = excluded.granted_at, granted_by = excluded.granted_by
    WHERE g.level <> excluded.level;

    RETURN jsonb_build_object(
        'success', true,
        'job_id', NULL,
        'status', NULL,
        'target', NULL,
        'counts', '{}'::jsonb,
        'message', format('role "%s" may use pgimport as %s', p_role, p_level),
        'warnings', '[]'::jsonb,
        'details', '{}'::jsonb,
        'role', p_role,
        'level', p_level
    );
END;
$grant_usage$;

COMMENT ON FUNCTION pgimport.grant_usage(text, text) IS
'Lets a role use pgimport as viewer, importer or admin; every upgrade gives the rights again. '
'Example: select pgimport.grant_usage(''app'', ''importer'');';
