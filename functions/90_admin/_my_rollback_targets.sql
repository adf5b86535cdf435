-- The targets whose rollback_role the caller has the rights of: their completed jobs are visible
-- to him, and he may roll them back.
-- Called by the row-level security policies, once a statement.
CREATE OR REPLACE FUNCTION pgimport._my_rollback_targets()
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_my_rollback_targets$
BEGIN
    RETURN ARRAY(
        SELECT t.target_id
        FROM pgimport.target AS t
        INNER JOIN pg_roles AS r ON t.options ->> 'rollback_role' = r.rolname
        WHERE pg_has_role(r.oid, 'USAGE')
    );
END;
$_my_rollback_targets$;

COMMENT ON FUNCTION pgimport._my_rollback_targets() IS
'internal: the targets whose jobs the caller may roll back as a member of their rollback_role.';
