-- What house rules ask of every function, read from the catalog.
BEGIN;
\ir ../setup.psql

SELECT plan(14);

CREATE FUNCTION pgimport_test.names(p_names text[])
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN array_to_string(p_names, ', ');

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND obj_description(p.oid, 'pg_proc') IS NULL
    ),
    NULL, 'every function has a comment'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND starts_with(p.proname, '_')
            AND obj_description(p.oid, 'pg_proc') NOT LIKE 'internal: %'
    ),
    NULL, 'the comment of a private function says that it is internal'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND NOT starts_with(p.proname, '_')
            AND obj_description(p.oid, 'pg_proc') NOT LIKE '% Example: %'
    ),
    NULL, 'the comment of a public function shows an example'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        INNER JOIN pg_language AS l ON p.prolang = l.oid
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND l.lanname = 'plpgsql'
            AND p.prokind <> 'p'
            AND 'search_path=pg_catalog, pg_temp' <> all(coalesce(p.proconfig, '{}'))
    ),
    NULL, 'every PL/pgSQL function pins its search_path'
);

-- one that commits can have no setting
SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND p.prokind = 'p'
            AND regexp_replace(p.prosrc, 'OPERATOR\(pg_catalog\.[^ ]+\)', '', 'g')
            ~ '( [-=<>|+*/]+ | (IN|LIKE|BETWEEN) )'
    ),
    NULL, 'every procedure names its operators with their schema'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        INNER JOIN pg_language AS l ON p.prolang = l.oid
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND l.lanname = 'sql'
            AND p.prosqlbody IS NULL
    ),
    NULL, 'every SQL function is bound to what it names when it is made'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(l.lanname::text ORDER BY l.lanname))
        FROM pg_language AS l
        WHERE l.oid IN (
                SELECT p.prolang FROM pg_proc AS p
                WHERE p.pronamespace = 'pgimport'::regnamespace
            )
            AND l.lanname NOT IN ('sql', 'plpgsql')
    ),
    NULL, 'functions are written in SQL and PL/pgSQL alone'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace AND p.prosecdef
    ),
    NULL, 'no function runs with the rights of its owner'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(q.name ORDER BY q.name))
        FROM (
            SELECT p.proname::text AS name
            FROM pg_proc AS p
            WHERE p.pronamespace = 'pgimport'::regnamespace
            GROUP BY p.proname
            HAVING count(*) > 1
        ) AS q
    ),
    NULL, 'no name is used by two functions'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(DISTINCT p.proname::text))
        FROM pg_proc AS p
        CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY AS a (name, place)
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND coalesce(p.proargmodes[a.place], 'i') IN ('i', 'b', 'v')
            AND NOT starts_with(a.name, 'p_')
    ),
    NULL, 'every parameter is called p_…'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'pgimport'::regnamespace AND a.grantee = 0
    ),
    NULL, 'PUBLIC may call no function'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
        WHERE n.nspname = 'pgimport' AND p.proowner <> n.nspowner
    ),
    NULL, 'every function belongs to the owner of the schema'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(p.proname::text ORDER BY p.proname))
        FROM pg_proc AS p
        INNER JOIN pg_language AS l ON p.prolang = l.oid
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND l.lanname = 'sql'
            AND p.provolatile = 'i'
            AND p.proconfig IS NOT NULL
    ),
    NULL, 'a leaf function has no SET clause, which costs eleven times the call'
);

SELECT is(
    (
        SELECT pgimport_test.names(array_agg(c.relname::text ORDER BY c.relname))
        FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport'::regnamespace
            AND c.relkind IN ('r', 'p')
            AND (NOT c.relrowsecurity OR obj_description(c.oid, 'pg_class') IS NULL)
    ),
    NULL, 'every table has row-level security and a comment'
);

SELECT * FROM finish();
ROLLBACK;
