BEGIN;
\ir ../setup.psql
SELECT plan(25);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job('{"actor": "ann", "tenant": "north"}') AS first_job \gset
SELECT pgimport_test.checked_job('{A,B}', '{"actor": "bob"}') AS second_job \gset
SELECT pgimport_test.completed_job('{C,D,E}', '{"actor": "ann", "source": "test"}') AS third_job
\gset

SELECT results_eq(
    $$SELECT j.job_id FROM pgimport.list_jobs('{"target": "codes"}') AS j$$,
    ARRAY[:'third_job', :'second_job', :'first_job']::uuid[],
    'the newest job comes first'
);
SELECT is(
    (
        SELECT format('%s %s %s %s', j.target_name, j.target, j.status, j.rows_inserted)
        FROM pgimport.list_jobs() AS j
        WHERE j.job_id = :'third_job'
    ),
    'codes pgimport_test.codes completed 3', 'each with its target, status and counts'
);
SELECT is(
    (
        SELECT j.file_names FROM pgimport.list_jobs() AS j
        WHERE j.job_id = :'second_job'
    ),
    '{a.csv}'::text[], 'and its files'
);
SELECT results_eq(
    $$SELECT j.job_id FROM pgimport.list_jobs('{"target": "codes"}', NULL, 1) AS j$$,
    ARRAY[:'third_job']::uuid[], 'a page has as many jobs as asked for'
);
SELECT results_eq(
    format(
        $$SELECT j.job_id FROM pgimport.list_jobs('{"target": "codes"}', %L, 1) AS j$$,
        :'third_job'
    ),
    ARRAY[:'second_job']::uuid[], 'and the next page begins after the last job of the one before'
);

-- the numbers of jobs a filter finds
CREATE FUNCTION pgimport_test.found(p_filter jsonb)
RETURNS bigint
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $found$
    SELECT count(*)
    FROM pgimport.list_jobs('{"target": "pgimport_test.codes"}'::jsonb || p_filter)
$found$;

SELECT is(pgimport_test.found('{}'), 3::bigint, 'the target by its table');
SELECT is(pgimport_test.found('{"status": "checked"}'), 1::bigint, 'by status');
SELECT is(
    pgimport_test.found('{"status": ["checked", "completed"]}'), 2::bigint, 'by several'
);
SELECT is(pgimport_test.found('{"actor": "ann"}'), 2::bigint, 'by actor');
SELECT is(pgimport_test.found('{"tenant": "north"}'), 1::bigint, 'by tenant');
SELECT is(pgimport_test.found('{"file_name": "A.C"}'), 2::bigint, 'by a part of a file''s name');
SELECT is(pgimport_test.found('{"file_name": "a%c"}'), 0::bigint, 'which is no pattern');
SELECT is(pgimport_test.found('{"since": "2000-01-01"}'), 3::bigint, 'created since');
SELECT is(pgimport_test.found('{"until": "2000-01-01"}'), 0::bigint, 'created until');
SELECT throws_ok(
    $$SELECT * FROM pgimport.list_jobs('{"status": "done"}')$$, 'PI003', NULL,
    'an unknown status is refused'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.list_jobs('{"since": "lately"}')$$, 'PI003', NULL,
    'so is a time that is none'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.list_jobs('{"actr": "ann"}')$$, 'PI002', NULL,
    'and an unknown filter'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.list_jobs('{"target": "nope"}')$$, 'PI201', NULL,
    'and a target that never was'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.list_jobs('{}', NULL, 0)$$, 'PI003', NULL,
    'and a page of no jobs'
);

-- one job
SELECT pgimport.get_job(:'third_job') AS answer \gset
SELECT is(
    :'answer'::jsonb -> 'counts' -> 'rows_inserted', '3'::jsonb, 'a job is shown with its counts'
);
SELECT is(
    :'answer'::jsonb -> 'files' -> 0 ->> 'file_name', 'a.csv', 'its files'
);
SELECT isnt(:'answer'::jsonb -> 'rollback' ->> 'until', NULL, 'and the window of its rollback');
SELECT throws_ok(
    $$SELECT pgimport.get_job('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'a job that is not there is refused'
);
SELECT is(
    (
        SELECT string_agg(DISTINCT e.to_status, ',' ORDER BY e.to_status)
        FROM pgimport.job_events(:'third_job') AS e
    ),
    'checked,completed,pending,staged,staging', 'the log shows every status a job went through'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.job_events(NULL)$$, 'PI001', NULL, 'a log belongs to a job'
);

SELECT * FROM finish();
ROLLBACK;
