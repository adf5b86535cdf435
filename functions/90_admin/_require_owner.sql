-- Refuses who is not a member of the role that owns pgimport: partitions are made and dropped with
-- the rights of an owner.
-- Called by enable_retention and run_maintenance. Raises PI603.
CREATE OR REPLACE FUNCTION pgimport._require_owner(
    p_what text
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_owner$
DECLARE
    v_owner name;
BEGIN
    SELECT pg_get_userbyid(n.nspowner) INTO v_owner
    FROM pg_namespace AS n
    WHERE n.nspname = 'pgimport' AND NOT pg_has_role(n.nspowner, 'USAGE');
    IF v_owner IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI603',
            MESSAGE = format('%s is for members of "%s", who owns pgimport', p_what, v_owner),
            DETAIL = format('The caller is "%s".', current_user),
            HINT = format('SET ROLE %I; or ask an administrator for: GRANT %1$I TO %I;',
                v_owner, current_user);
    END IF;
END;
$_require_owner$;

COMMENT ON FUNCTION pgimport._require_owner(text) IS
'internal: refuses who is not a member of the role that owns pgimport.';
