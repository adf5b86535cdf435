-- The roles whose rights the caller has: the caller's own and those inherited from others.
-- Called by the row-level security policies, once a statement.
CREATE OR REPLACE FUNCTION pgimport._my_roles()
RETURNS text[]
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_my_roles$
BEGIN
    RETURN ARRAY(
        SELECT r.rolname::text
        FROM pg_roles AS r
        WHERE pg_has_role(r.oid, 'USAGE')
    );
END;
$_my_roles$;

COMMENT ON FUNCTION pgimport._my_roles() IS
'internal: names of the roles whose rights the caller has; jobs of these are visible to him.';
