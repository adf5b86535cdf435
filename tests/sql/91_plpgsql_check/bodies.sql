-- The bodies of all PL/pgSQL functions, read by plpgsql_check. Left out where the server does not
-- have that extension, or where the tests' role may not create it.
BEGIN;
\ir ../setup.psql

SELECT coalesce(
    (
        SELECT r.rolsuper FROM pg_roles AS r
        WHERE r.rolname = current_user
    )
    AND EXISTS (
        SELECT FROM pg_available_extensions AS x
        WHERE x.name = 'plpgsql_check'
    ),
    false
) AS has_check \gset

\if :has_check
SELECT plan(1);
CREATE SCHEMA pgimport_check;
CREATE EXTENSION plpgsql_check SCHEMA pgimport_check;
SELECT is_empty(
    $$SELECT p.oid::regprocedure, c.lineno, c.level, c.message
    FROM pg_proc AS p
    INNER JOIN pg_language AS l ON p.prolang = l.oid
    LEFT JOIN (
        SELECT DISTINCT g.tgfoid, g.tgrelid FROM pg_trigger AS g WHERE NOT g.tgisinternal
    ) AS t ON p.oid = t.tgfoid
    CROSS JOIN LATERAL pgimport_check.plpgsql_check_function_tb(
        p.oid, coalesce(t.tgrelid, 0),
        security_warnings => true, performance_warnings => false, extra_warnings => true
    ) AS c
    WHERE p.pronamespace = 'pgimport'::regnamespace
        AND l.lanname = 'plpgsql'
        -- what is in a parameter of type record only its caller knows
        AND c.message NOT LIKE 'record "p\_%" is not assigned yet'$$,
    'plpgsql_check has no finding, its security warnings included'
);
\else
SELECT plan(1);
SELECT skip('this server has no plpgsql_check, or this role may not create it', 1);
\endif

SELECT * FROM finish();
ROLLBACK;
