BEGIN;
\ir ../setup.psql
SELECT plan(33);

SELECT pgimport_test.codes_target();
SELECT throws_ok('SELECT pgimport.rollback_job(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.rollback_job('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);
SELECT pgimport_test.completed_job('{A,B}') AS job \gset
SELECT throws_ok(
    format($$SELECT pgimport.rollback_job(%L, 'maybe')$$, :'job'), 'PI506', NULL,
    'an unknown mode is refused'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, NULL)', :'job'), 'PI506', NULL, 'no mode, too'
);
SELECT
    throws_ok(
        format('SELECT pgimport.rollback_job(%L, p_options => %L)', :'job', o), 'PI003', NULL,
        format('option %s has no meaning', o)
    )
FROM unnest(ARRAY[
        '{"filter": {}}', '{"filter": ["A"]}', '{"rows": []}', '{"rows": "A"}',
        '{"soft_delete": true}', '{"soft_delete": 1}', '{"force": "yes"}', '{"with_later_jobs": 1}',
        '{"filter": {"code": "A"}, "with_later_jobs": true}'
    ]) AS o;
SELECT
    throws_ok(
        format('SELECT pgimport.rollback_job(%L, p_options => %L)', :'job', o), c, NULL,
        format('rows cannot be named by %s', o)
    )
FROM (
    VALUES
    ('{"filter": {"colour": "A"}}', 'PI206'), ('{"filter": {"import_job_id": "A"}}', 'PI206'),
    ('{"filter": {"points": "many"}}', 'PI508'), ('{"filter": {"points": [1, "x"]}}', 'PI508'),
    ('{"rows": ["1-1-00000000"]}', 'PI508'), ('{"rows": ["A"]}', 'PI508')
) AS v (o, c);
SELECT throws_ok(
    format($$SELECT pgimport.rollback_job(%L, p_options => '{"fast": true}')$$, :'job'),
    'PI002', NULL, 'an unknown option is refused'
);
SELECT throws_ok(
    format($$SELECT pgimport.rollback_job(%L, p_options => '{"allow_superuser": 1}')$$, :'job'),
    'PI003', NULL, 'a wrong value of an option is refused'
);

-- not completed
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', pgimport_test.new_job()), 'PI501', NULL,
    'a job that is not completed cannot be rolled back'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', pgimport_test.checked_job('{Z}')), 'PI501', NULL,
    'nor one that is only checked'
);

-- the window is over
UPDATE pgimport.job SET rollback_until = now() - interval '1 second'
WHERE job_id = :'job';
SELECT
    throws_ok(
        format('SELECT pgimport.rollback_job(%L, %L)', :'job', m), 'PI502', NULL,
        format('after the window a rollback is refused: %s', m)
    )
FROM unnest('{refuse,keep_modified,force,cascade}'::text[]) AS m;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'eligible', 'reasons.0.code', 'delete'),
    'eligible=false reasons.0.code=PI502 delete=2', 'the plan says so'
);
SELECT pgimport_test.completed_job('{D}') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'eligible'), 'eligible=true',
    'inside the window it may be'
);

-- disabled
SELECT pgimport.disable_rollback(:'job', 'booked');
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, ''force'')', :'job'), 'PI503', NULL,
    'a rollback that was disabled is refused'
);
SELECT matches(
    pgimport.plan_rollback(:'job') #>> '{reasons,0,message}', 'booked', 'the plan says why'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 3, 'none of these deleted a row'
);

-- the table is gone
SELECT pgimport_test.completed_job('{C}') AS lost \gset
DROP FUNCTION pgimport_test.codes_target();
DROP TABLE pgimport_test.codes;
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'lost'), 'PI205', NULL,
    'a table that is gone is said to be'
);

SELECT * FROM finish();
ROLLBACK;
