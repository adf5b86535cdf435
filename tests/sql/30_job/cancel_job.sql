BEGIN;
\ir ../setup.psql
SELECT plan(20);
SELECT pgimport_test.codes_target();

SELECT throws_ok($$SELECT pgimport.cancel_job(NULL)$$, 'PI001', NULL, 'a job must be named');
SELECT throws_ok(
    $$SELECT pgimport.cancel_job('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'a job that is not there is refused'
);

SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport.cancel_job(:'job', 'wrong file') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'reason', 'job_id'),
    format('success=true status=cancelled reason=wrong file job_id=%s', :'job'),
    'a checked job is given up'
);
SELECT is(
    (
        SELECT count(*) FROM pg_catalog.pg_class AS c
        WHERE c.relname LIKE concat('job_', replace(:'job', '-', ''), '%')
    ),
    0::bigint, 'its staging tables, marks and view are dropped'
);
SELECT is(
    pgimport.get_job(:'job') -> 'files' -> 0 ->> 'status', 'cleared', 'its file stays on record'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 0::bigint, 'nothing was written to the target'
);
SELECT is(
    (
        SELECT e.details ->> 'reason' FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'cancelled'
    ),
    'wrong file', 'the reason is in its log'
);
SELECT isnt(pgimport.get_job(:'job') ->> 'finished_at', NULL, 'and the time of its end');

-- again
SELECT (SELECT count(*) FROM pgimport.job_events(:'job')) AS events \gset
SELECT is(
    pgimport_test.pick(pgimport.cancel_job(:'job'), 'success', 'status', 'reason'),
    'success=true status=cancelled reason=null', 'cancelling it again is no fault'
);
SELECT is(
    (SELECT count(*) FROM pgimport.job_events(:'job')), :'events'::bigint, 'and leaves no trace'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_file(%L, ''a.csv'', ''{code}'')', :'job'), 'PI102', NULL,
    'a cancelled job takes no file'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI102', NULL, 'and is not checked'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL, 'nor inserted'
);

-- from which states
SELECT is(
    pgimport.cancel_job(pgimport_test.new_job()) ->> 'status', 'cancelled',
    'a job without a file can be cancelled'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}');
SELECT is(
    pgimport.cancel_job(:'job') ->> 'status', 'cancelled', 'one with an open file, too'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A')
);
SELECT is(pgimport.cancel_job(:'job') ->> 'status', 'cancelled', 'and a staged one');

SELECT pgimport_test.checked_job('{A}') AS job \gset
UPDATE pgimport.job SET status = 'inserting'
WHERE job_id = :'job';
SELECT is(
    pgimport_test.pick(pgimport.cancel_job(:'job'), 'success', 'code', 'status'),
    'success=false code=PI106 status=inserting',
    'a job of which batches are written is not cancelled'
);
SELECT pgimport_test.completed_job('{A}') AS job \gset
SELECT throws_ok(
    format('SELECT pgimport.cancel_job(%L)', :'job'), 'PI102', NULL,
    'a completed job is rolled back, not cancelled'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 1::bigint, 'and the refusal leaves its rows'
);
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT throws_ok(
    format('SELECT pgimport.cancel_job(%L)', :'job'), 'PI102', NULL,
    'nor is one that was rolled back'
);

SELECT * FROM finish();
ROLLBACK;
