-- What is kept, for how long, and what is removed: without pg_partman, which is not asked for here.
BEGIN;
\ir ../setup.psql

SELECT plan(51);

-- before anything is enabled
SELECT throws_ok(
    'SELECT pgimport.run_maintenance()', 'PI604', NULL,
    'nothing is removed before somebody said for how long it is kept'
);
SELECT throws_ok(
    $$SELECT pgimport.enable_retention('{"issue": "1 month"}')$$, 'PI002', NULL,
    'an unknown option is refused'
);
SELECT
    throws_ok(
        format('SELECT pgimport.enable_retention(%L)', w.options), 'PI003', NULL,
        format('%s is no setting', w.options)
    )
FROM (
    VALUES ('{"issues": "soon"}'), ('{"issues": 30}'), ('{"issues": "-1 day"}'),
    ('{"events": "0"}'), ('{"issues": "5 minutes"}'), ('{"staged_rows": "0"}'),
    ('{"engine": "cron"}'), ('{"premake": 0}'), ('{"premake": "4"}'), ('{"premake": 1.5}'),
    ('{"premake": 101}'), ('[]')
) AS w (options);

CREATE FUNCTION pgimport_test.removed(p_answer jsonb, p_kind text, p_key text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $removed$
BEGIN
    RETURN (
        SELECT r.value ->> p_key FROM jsonb_array_elements(p_answer -> 'removed') AS r
        WHERE r.value ->> 'kind' = p_kind
    );
END;
$removed$;
CREATE FUNCTION pgimport_test.kept(p_answer jsonb, p_kind text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $kept$
BEGIN
    RETURN (
        SELECT string_agg(
            format('%s: %s', r.value ->> 'jobs', r.value ->> 'why'), ', '
            ORDER BY r.value ->> 'why'
        )
        FROM jsonb_array_elements(p_answer -> 'kept') AS r
        WHERE r.value ->> 'kind' = p_kind
    );
END;
$kept$;
-- issues of one job, one a day for 100 days, the last one today
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

SELECT pgimport_test.codes_target() IS NOT NULL AS ready \gset
SELECT pgimport_test.completed_job('{A,B}') AS open_job \gset
SELECT pgimport_test.completed_job('{C,D}') AS closed_job \gset
SELECT pgimport_test.checked_job('{E}') AS checked_job \gset
SELECT pgimport_test.old_issues(:'open_job');

-- enabling
SELECT pgimport.enable_retention('{"engine": "own"}') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'engine', 'settings.staged_rows', 'settings.issues',
        'settings.events', 'settings.row_history'
    ),
    'success=true engine=own settings.staged_rows=24:00:00 settings.issues=1 mon '
    'settings.events=null settings.row_history=null',
    'issues are kept a month, staged rows of finished jobs a day, everything else for ever'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue), 100,
    'rows that were there before are there after it'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue_default), 0,
    'each in the partition of its time'
);
SELECT is(
    (
        SELECT array_agg(DISTINCT e.event) FROM pgimport.job_event AS e
        WHERE e.job_id = :'closed_job'
    ),
    (
        SELECT array_agg(DISTINCT e.event) FROM pgimport.job_events(:'closed_job') AS e
    ),
    'events, too, though nobody may delete them'
);
SELECT is(
    pgimport.enable_retention() #>> '{tables,0,rows_moved}', '0',
    'to enable it again moves nothing'
);
SELECT is(
    pgimport.enable_retention('{"premake": 6}') #>> '{settings,engine}', 'own',
    'what is not given stays as it is'
);
SELECT is(
    (
        SELECT max(p.to_at) > now() + interval '6 weeks'
        FROM pgimport._partitions('pgimport.issue') AS p
    ),
    true, 'partitions are made ahead of time'
);

-- partitions are guarded like their table
SELECT is_empty(
    $$SELECT p.part FROM pgimport._partitioned() AS t, pgimport._partitions(t.relation) AS p
    INNER JOIN pg_class AS c ON c.oid = p.part
    WHERE NOT c.relrowsecurity OR c.relowner <> (
        SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgimport'
    ) OR EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner)$$,
    'a partition is the owner''s and has row-level security, and nobody else any right on it'
);
SELECT is_empty(
    $$SELECT p.part FROM pgimport._partitioned() AS t, pgimport._partitions(t.relation) AS p
    WHERE 1 <> (SELECT count(*) FROM pg_index AS x WHERE x.indrelid = p.part)$$,
    'each has the index of its table, once'
);
SELECT p.part AS event_part FROM pgimport._partitions('pgimport.job_event') AS p
WHERE p.from_at <= now() AND p.to_at > now() \gset
SELECT throws_ok(
    format('DELETE FROM %s', :'event_part'), 'PI104', NULL,
    'an event is not deleted straight from its partition'
);
SELECT throws_ok(
    format('UPDATE %s SET actor = ''x''', :'event_part'), 'PI104', NULL, 'nor changed there'
);
SELECT throws_ok(
    format('TRUNCATE %s', :'event_part'), 'PI104', NULL, 'nor are all of them there'
);
SELECT throws_ok(
    'TRUNCATE pgimport.job_event_default', 'PI104', NULL,
    'the default partition is guarded again after it was emptied'
);
SELECT is_empty(
    $$SELECT g.tgname FROM pg_trigger AS g
    INNER JOIN pgimport._partitions('pgimport.job_event') AS p ON g.tgrelid = p.part
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'A'$$,
    'always'
);

-- a dry run
SELECT pgimport.run_maintenance('{"dry_run": true}') AS answer \gset
SELECT cmp_ok(
    pgimport_test.removed(:'answer', 'issues', 'rows')::integer, '>', 60,
    'a dry run tells what would be removed'
);
SELECT is((SELECT count(*)::integer FROM pgimport.issue), 100, 'and removes nothing');
SELECT is(
    pgimport_test.pick(:'answer', 'dry_run', 'remaining', 'success'),
    'dry_run=true remaining=false success=true', 'and says that it is one'
);
SELECT is(
    pgimport_test.kept(:'answer', 'staged_rows'),
    '2: finished less than 24:00:00 ago, 1: the job is not finished',
    'what is kept is told with the reason'
);

-- a run
SELECT pgimport_test.removed(:'answer', 'issues', 'rows') AS would \gset
SELECT pgimport.run_maintenance() AS answer \gset
SELECT is(
    pgimport_test.removed(:'answer', 'issues', 'rows'), :'would',
    'a run removes what the dry run told'
);
SELECT is(
    (
        SELECT
            min(i.found_at) >= now() - interval '1 month 7 days'
            AND min(i.found_at) < now() - interval '28 days'
        FROM pgimport.issue AS i
    ),
    true, 'and no issue that is younger than a month'
);
SELECT is(
    (SELECT 100 - count(*)::integer FROM pgimport.issue), :'would'::integer,
    'it counts what it removed'
);
SELECT is(
    pgimport.run_maintenance() -> 'removed', '[]', 'the next run finds nothing to remove'
);

-- staged rows
SELECT pgimport.enable_retention('{"staged_rows": "1 microsecond"}') AS answer \gset
SELECT pgimport.disable_rollback(:'closed_job') ->> 'success' AS closed \gset
SELECT pgimport.run_maintenance('{"jobs": 1}') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'remaining'), 'remaining=true',
    'of many jobs, some wait for the next run, which is told'
);
SELECT pgimport.run_maintenance() AS answer \gset
SELECT is(
    (
        SELECT array_agg(DISTINCT regexp_replace(c.relname, '^job_[0-9a-f]+', ''))
        FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND starts_with(c.relname, pgimport._staging_name(:'open_job'))
            AND c.relkind IN ('r', 'p', 'v')
    ),
    '{_print}', 'of a completed job stays what its rollback reads'
);
SELECT is_empty(
    format(
        'SELECT c.relname FROM pg_class AS c WHERE starts_with(c.relname, %L)',
        pgimport._staging_name(:'closed_job')
    ),
    'of one that cannot be rolled back, nothing stays'
);
SELECT isnt(
    to_regclass('pgimport_staging.' || pgimport._staging_name(:'open_job', '_count')), NULL,
    'its counter stays as long as something does'
);
-- all that is left of a job may be its counter
SELECT pgimport_test.completed_job('{F}') AS cleared_job \gset
SELECT pgimport.disable_rollback(:'cleared_job') ->> 'success' AS closed \gset
SELECT pgimport.clear_staging(:'cleared_job') ->> 'success' AS cleared \gset
SELECT pgimport.run_maintenance() AS answer \gset
SELECT is_empty(
    format(
        'SELECT c.relname FROM pg_class AS c WHERE starts_with(c.relname, %L)',
        pgimport._staging_name(:'cleared_job')
    ),
    'and goes with the last of it'
);
SELECT ok(
    to_regclass('pgimport_staging.' || pgimport._staging_name(:'checked_job', '_value'))
    IS NOT NULL,
    'of one that is not finished, everything'
);
SELECT is(
    pgimport_test.kept(:'answer', 'rollback_data'), '1: a rollback is open', 'and why is told'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'open_job'), 'verified', 'actual_count'),
    'verified=true actual_count=2', 'a job without staged rows is verified'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'closed_job'), 'verified', 'actual_count'),
    'verified=true actual_count=2', 'and one of which nothing is left'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'open_job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'an open rollback lacks nothing'
);

-- what people have made of it
SELECT pgimport_test.completed_job('{G}') AS seen_job \gset
SELECT format(
    'CREATE VIEW pgimport_test.seen AS SELECT * FROM pgimport_staging.%I',
    pgimport._staging_name(:'seen_job', '_rows')
) AS statement \gexec
SELECT format('CREATE VIEW pgimport_test.old AS SELECT * FROM %s', p.part) AS statement
FROM pgimport._partitions('pgimport.issue') AS p
WHERE NOT p.is_default
ORDER BY p.from_at
LIMIT 1 \gexec
SELECT pgimport.enable_retention('{"issues": "20 days"}') ->> 'success' AS success \gset
SELECT pgimport.run_maintenance() AS answer \gset
SELECT matches(
    pgimport_test.kept(:'answer', 'staged_rows'), 'view pgimport_test.seen depends on',
    'staged rows that somebody has made a view of are kept, and that is told'
);
SELECT matches(
    pgimport_test.kept(:'answer', 'issues'), 'something of yours is made of it',
    'partitions as well'
);
DROP VIEW pgimport_test.seen, pgimport_test.old;

-- a job that was rolled back may be redone as long as its staged rows are there
SELECT pgimport.enable_retention('{"staged_rows": "1 day"}') ->> 'success' AS success \gset
SELECT pgimport.rollback_job(:'seen_job') ->> 'success' AS success \gset
SELECT pgimport.run_maintenance() AS answer \gset
SELECT matches(
    pgimport_test.kept(:'answer', 'rollback_data'), 'a redo is open',
    'nothing goes of a job that can be redone'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'seen_job'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'which it is'
);
SELECT is(
    pgimport.verify_install(true) ->> 'success', 'true',
    'verify_install has nothing to object to'
);
SELECT * FROM finish();
ROLLBACK;
