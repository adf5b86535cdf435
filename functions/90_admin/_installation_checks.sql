-- What must be true of the installed objects: one row a rule, with what breaks it.
-- Called by verify_install.
CREATE OR REPLACE FUNCTION pgimport._installation_checks()
RETURNS TABLE (invariant text, name text, broken text[], hint text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_installation_checks$
BEGIN
    RETURN QUERY
    WITH own_schema AS (
        SELECT n.oid, n.nspowner, n.nspacl, n.nspname FROM pg_namespace AS n
        WHERE n.nspname IN ('pgimport', 'pgimport_staging')
    ),

    routine AS (
        SELECT p.oid, p.proowner, p.prosecdef, p.proconfig, p.proacl, p.prosqlbody
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
    ),

    relation AS (
        SELECT c.oid, c.relowner, c.relacl FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
    )

    SELECT
        'I19', 'one owner',
        ARRAY(
            SELECT q.object FROM (
                SELECT r.oid::regprocedure::text AS object, r.proowner AS owner_oid
                FROM routine AS r
                UNION ALL
                SELECT c.oid::regclass::text, c.relowner FROM relation AS c
            ) AS q
            WHERE q.owner_oid <> (
                SELECT s.nspowner FROM own_schema AS s WHERE s.nspname = 'pgimport'
            )
        ),
        'install again as the owner of schema pgimport'
    UNION ALL
    SELECT
        'security', 'no function runs with the rights of its owner',
        ARRAY(SELECT r.oid::regprocedure::text FROM routine AS r WHERE r.prosecdef),
        'install again: pgimport has no SECURITY DEFINER function'
    UNION ALL
    SELECT
        'security', 'every function pins its search_path',
        ARRAY(
            SELECT r.oid::regprocedure::text FROM routine AS r
            WHERE r.prosqlbody IS NULL
                AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (r.proconfig), false)
        ),
        'install again'
    UNION ALL
    SELECT
        'security', 'nothing is granted to PUBLIC',
        ARRAY(
            SELECT q.object FROM (
                SELECT
                    r.oid::regprocedure::text AS object,
                    coalesce(r.proacl, acldefault('f', r.proowner)) AS acl
                FROM routine AS r
                UNION ALL
                SELECT c.oid::regclass::text, coalesce(c.relacl, acldefault('r', c.relowner))
                FROM relation AS c
                UNION ALL
                SELECT s.nspname, coalesce(s.nspacl, acldefault('n', s.nspowner))
                FROM own_schema AS s
            ) AS q
            CROSS JOIN LATERAL aclexplode(q.acl) AS a
            WHERE a.grantee = 0
        ),
        'install again; give rights with pgimport.grant_usage()';
END;
$_installation_checks$;

COMMENT ON FUNCTION pgimport._installation_checks() IS
'internal: what must be true of the installed objects, and what breaks it.';
