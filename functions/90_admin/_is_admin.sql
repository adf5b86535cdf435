-- Tells whether the caller administers pgimport: he has the rights of the owner of schema pgimport
-- or of a role with the level admin.
-- Called by the row-level security policies, once a statement, and by administrative functions.
CREATE OR REPLACE FUNCTION pgimport._is_admin()
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_is_admin$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_namespace AS n
        WHERE n.nspname = 'pgimport' AND pg_has_role(n.nspowner, 'USAGE')
    ) OR EXISTS (
        SELECT FROM pgimport.role_grant AS g
        INNER JOIN pg_roles AS r ON g.role_name = r.rolname
        WHERE g.level = 'admin' AND pg_has_role(r.oid, 'USAGE')
    );
END;
$_is_admin$;

COMMENT ON FUNCTION pgimport._is_admin() IS
'internal: whether the caller has the rights of the owner of pgimport or of an admin.';
