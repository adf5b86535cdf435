-- Retention by pg_partman: what it manages, that it removes by itself what is too old, and that an
-- open rollback loses nothing. Passed over where the extension is not to be had.
BEGIN;
\ir ../setup.psql

SELECT count(*) > 0 AS has_partman
FROM pg_available_extensions AS x
INNER JOIN pg_roles AS r ON r.rolname = current_user AND r.rolsuper
WHERE x.name = 'pg_partman' \gset
\if :has_partman
\else
SELECT plan(1);
SELECT throws_ok(
    $$SELECT pgimport.enable_retention('{"engine": "pg_partman"}')$$, 'PI604', NULL,
    'where pg_partman is not installed it is not asked'
);
SELECT * FROM finish();
ROLLBACK;
\quit
\endif
SELECT plan(36);

SELECT throws_ok(
    $$SELECT pgimport.enable_retention('{"engine": "pg_partman"}')$$, 'PI604', NULL,
    'where pg_partman is not installed it is not asked'
);
CREATE FUNCTION pgimport_test.old_issues(p_job_id uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $old_issues$
BEGIN
    INSERT INTO pgimport.issue (job_id, file_no, code, message, found_at)
    SELECT p_job_id, 1, 'ragged_row', 'x', now() - g * interval '1 day'
    FROM generate_series(0, 99) AS g;
END;
$old_issues$;
SET LOCAL timezone = 'Europe/Paris';
SELECT pgimport_test.codes_target() IS NOT NULL AS ready \gset
SELECT pgimport_test.completed_job('{A,B}') AS job \gset
SELECT pgimport_test.old_issues(:'job');

-- pgimport has been there, cut by itself; pg_partman comes later, in a schema of another name
SELECT is(pgimport.enable_retention() ->> 'engine', 'own', 'without pg_partman all goes by itself');
CREATE SCHEMA part_keeper;
CREATE EXTENSION pg_partman SCHEMA part_keeper;
SELECT matches(
    pgimport.run_maintenance('{"dry_run": true}') #>> '{warnings,0}', 'hands it over',
    'that pg_partman is there and does not manage the tables is told'
);
SELECT count(*) AS events FROM pgimport.job_event \gset
SELECT current_setting('search_path') AS path \gset
SELECT pgimport.enable_retention() AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'engine', 'tables.0.engine', 'tables.0.rows_moved'),
    'engine=pg_partman tables.0.engine=pg_partman tables.0.rows_moved=100',
    'enabled again, it is handed the tables'
);
SELECT is(
    current_setting('search_path'), :'path', 'the search_path of the session stays as it is'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue), 100, 'with all that was in them'
);
SELECT is((SELECT count(*)::integer FROM pgimport.job_event), :events, 'in all of them');
SELECT is(
    (
        SELECT
            string_agg(
                concat_ws(
                    ' ', c ->> 'parent_table', c ->> 'control', c ->> 'retention', c ->> 'premake',
                    c ->> 'retention_keep_table', c ->> 'automatic_maintenance'
                ), ', ' ORDER BY c ->> 'parent_table'
            )
        FROM pgimport._partitioned() AS t
        CROSS JOIN LATERAL pgimport._partman_config(t.table_name) AS c
    ),
    'pgimport.issue found_at 1 mon 4 false on, pgimport.job_event happened_at 4 false on, '
    'pgimport.row_history written_at 4 false on',
    'it knows for how long what is kept'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue_default), 0,
    'rows are in the partitions of their time'
);
SELECT is_empty(
    $$SELECT p.part FROM pgimport._partitioned() AS t, pgimport._partitions(t.relation) AS p
    INNER JOIN pg_class AS c ON c.oid = p.part
    WHERE NOT c.relrowsecurity OR c.relowner <> (
        SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgimport'
    ) OR EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner)$$,
    'partitions that pg_partman made are guarded like any other'
);
SELECT is_empty(
    $$SELECT p.part FROM pgimport._partitioned() AS t, pgimport._partitions(t.relation) AS p
    WHERE 1 <> (SELECT count(*) FROM pg_index AS x WHERE x.indrelid = p.part)$$,
    'and have the index of their table, once'
);
SELECT p.part AS event_part FROM pgimport._partitions('pgimport.job_event') AS p
WHERE p.from_at <= now() AND p.to_at > now() \gset
SELECT throws_ok(
    format('DELETE FROM %s', :'event_part'), 'PI104', NULL, 'also against a DELETE'
);
SELECT throws_ok(
    format('TRUNCATE %s', :'event_part'), 'PI104', NULL, 'and against TRUNCATE'
);
SELECT is(
    pgimport.enable_retention() #>> '{tables,0,rows_moved}', '0', 'once more moves nothing'
);
SELECT is(
    (
        SELECT c.relname::text FROM pgimport._partitions('pgimport.issue') AS p
        INNER JOIN pg_class AS c ON p.part = c.oid
        WHERE p.is_default
    ),
    'issue_default', 'the default partition is the one that the install made'
);

-- its own maintenance
SELECT part_keeper.run_maintenance();
SELECT is(
    (
        SELECT
            min(i.found_at) >= now() - interval '1 month 7 days'
            AND min(i.found_at) < now() - interval '28 days'
        FROM pgimport.issue AS i
    ),
    true, 'pg_partman removes by itself what is older than a month'
);
SELECT cmp_ok(
    (SELECT count(*)::integer FROM pgimport.issue), '>', 28, 'and nothing else'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.job_event), :events, 'of what is kept for ever nothing'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'a rollback lacks nothing after it'
);

-- partitions that pg_partman makes from now on
SELECT p.part AS last_part FROM pgimport._partitions('pgimport.job_event') AS p
ORDER BY p.to_at DESC NULLS LAST
LIMIT 1 \gset
SELECT format('DROP TABLE %s', :'last_part') AS statement \gexec
SELECT part_keeper.run_maintenance('pgimport.job_event');
SELECT isnt(to_regclass(:'last_part'), NULL, 'pg_partman makes partitions ahead');
SELECT is(
    pgimport.verify_install() ->> 'success', 'true', 'verify_install does not object to them'
);
SELECT pgimport.run_maintenance() ->> 'success' AS success \gset
SELECT throws_ok(
    format('TRUNCATE %s', :'last_part'), 'PI104', NULL, 'the next maintenance guards them'
);

-- the settings changed, rows of a time that pg_partman knows no partition for
SELECT pgimport_test.old_issues(:'job');
SELECT cmp_ok(
    (SELECT count(*)::integer FROM pgimport.issue_default), '>', 50,
    'rows for which there is no partition go into the default one'
);
SELECT is(
    pgimport.enable_retention('{"issues": "3 months"}') #>> '{tables,0,keep}', '3 mons',
    'the time may be changed'
);
SELECT pgimport.run_maintenance() AS answer \gset
SELECT is(
    (
        SELECT array_agg(k.value ->> 'why')
        FROM jsonb_array_elements(:'answer'::jsonb -> 'kept') AS k
        WHERE k.value ->> 'why' LIKE '%pg_partman%'
    ),
    NULL, 'run_maintenance lets pg_partman work'
);
SELECT is(current_setting('search_path'), :'path', 'and the search_path as it is');
SELECT is(current_setting('timezone'), 'Europe/Paris', 'and the time zone');
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue_default), 0,
    'and sees to rows of the default partition first'
);
SELECT ok(
    (
        SELECT
            min(i.found_at) >= now() - interval '3 months 7 days'
            AND min(i.found_at) < now() - interval '80 days'
        FROM pgimport.issue AS i
    ),
    'what is kept longer now is kept'
);
SELECT pgimport.enable_retention('{"issues": "5 days"}') AS answer \gset
SELECT is(
    (pgimport._partman_config('issue') ->> 'partition_interval'), '24:00:00',
    'for a short time partitions are short'
);
SELECT pgimport.run_maintenance() AS answer \gset
SELECT ok(
    (
        SELECT count(*) BETWEEN 5 AND 14 AND min(i.found_at) > now() - interval '8 days'
        FROM pgimport.issue AS i
    ),
    'and what is older goes'
);

-- without it again, and when it is dropped
SELECT is(
    pgimport_test.pick(
        pgimport.enable_retention('{"engine": "own"}'), 'engine', 'tables.0.engine'
    ),
    'engine=own tables.0.engine=own', 'the tables are taken out of its hands'
);
SELECT is(
    pgimport._partman_config('issue'), NULL, 'it does not know them any more'
);
SELECT pgimport.enable_retention('{"engine": "auto"}') ->> 'engine' AS engine \gset
SELECT count(*) AS issues FROM pgimport.issue \gset
DROP EXTENSION pg_partman CASCADE;
SELECT is(
    pgimport_test.pick(pgimport.run_maintenance(), 'success', 'warnings'),
    'success=true warnings=[]', 'after it was dropped, maintenance goes on by itself'
);
SELECT is((SELECT count(*)::integer FROM pgimport.issue), :issues, 'nothing is lost by that');
SELECT is(
    pgimport.enable_retention() #>> '{tables,0,engine}', 'own', 'and may be enabled as before'
);
SELECT * FROM finish();
ROLLBACK;
