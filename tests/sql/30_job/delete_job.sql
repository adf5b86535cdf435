-- What is left of a job that was deleted.
BEGIN;
\ir ../setup.psql
SELECT plan(36);
SELECT pgimport_test.codes_target();

-- relations that a job has in the schema of staging
CREATE FUNCTION pgimport_test.leavings(p_job_id uuid)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $leavings$
BEGIN
    RETURN (
        SELECT count(*) FROM pg_class AS c
        WHERE c.relname LIKE concat('job_', replace(p_job_id::text, '-', ''), '%')
    );
END;
$leavings$;

SELECT throws_ok($$SELECT pgimport.delete_job(NULL)$$, 'PI001', NULL, 'a job must be named');
SELECT throws_ok(
    $$SELECT pgimport.delete_job('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'a job that is not there is refused'
);

-- one that was never inserted
SELECT pgimport_test.new_job('{"idempotency_key": "k1"}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    '{"11111111-1111-4111-8111-111111111111,A,1","11111111-1111-4111-8111-111111111111,B,x"}',
    '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.delete_job(:'job', 'by mistake') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'reason', 'deleted_rows', 'deleted_issues'
    ),
    'success=true status=cancelled reason=by mistake deleted_rows=2 deleted_issues=1',
    'a job that is not inserted is cancelled and deleted'
);
SELECT is(pgimport_test.leavings(:'job'), 0::bigint, 'all its tables are dropped');
SELECT is(
    (
        SELECT count(*) FROM pgimport.issue AS i
        WHERE i.job_id = :'job'
    ), 0::bigint, 'its issues are deleted'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job'), 'files.0.file_name', 'files.0.status', 'files.0.rows_staged',
        'deleted_by'
    ),
    format(
        'files.0.file_name=a.csv files.0.status=cleared files.0.rows_staged=2 deleted_by=%s',
        current_user
    ), 'its record stays, with its files and who deleted it'
);
SELECT is(
    (
        SELECT string_agg(e.event, ' ' ORDER BY e.event_id) FROM pgimport.job_events(:'job') AS e
        WHERE e.event IN ('created', 'cancelled', 'deleted')
    ), 'created cancelled deleted', 'so does its log'
);
SELECT is(
    pgimport_test.pick(
        pgimport.delete_job(:'job'), 'success', 'reason', 'deleted_rows', 'deleted_issues'
    ), 'success=true reason=null deleted_rows=0 deleted_issues=0', 'deleting it again is no fault'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'deleted'
    ), 1::bigint, 'and leaves no trace'
);
SELECT is(
    pgimport.create_job('codes', '{"idempotency_key": "k1"}') ->> 'existing', 'false',
    'its idempotency key is free'
);

-- a completed one
SELECT pgimport_test.new_job('{"idempotency_key": "k2"}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B'),
    '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT throws_ok(
    format('SELECT pgimport.delete_job(%L)', :'job'), 'PI108', NULL,
    'a job that can be rolled back is not deleted'
);
SELECT isnt(pgimport_test.leavings(:'job'), 0::bigint, 'and the refusal drops nothing');
SELECT pgimport_test.new_job() AS other \gset
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'', %L)', :'other',
        '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
    ), 'PI304', NULL, 'its file is refused to others'
);
SELECT pgimport.disable_rollback(:'job', 'booked');
SELECT is(
    pgimport_test.pick(pgimport.delete_job(:'job', 'old'), 'success', 'status', 'deleted_rows'),
    'success=true status=completed deleted_rows=2',
    'when its rollback is closed it is, and stays completed'
);
SELECT is(pgimport_test.leavings(:'job'), 0::bigint, 'with its fingerprints and its counter');
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 2::bigint, 'the rows that it inserted stay'
);
SELECT lives_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'', %L)', :'other',
        '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
    ), 'its file may be imported again'
);
SELECT is(
    pgimport.create_job('codes', '{"idempotency_key": "k2"}') ->> 'existing', 'false',
    'its key, too'
);
SELECT pgimport_test.checked_job('{A,B}') AS again \gset
SELECT is(
    (
        SELECT
            count(*) FROM jsonb_array_elements_text(pgimport.check_job(:'again') -> 'warnings')
                AS w (text)
        WHERE w.text LIKE 'the same rows%'
    ), 0::bigint, 'and its content counts no more as imported'
);
SELECT is(
    pgimport.insert_job(:'job') ->> 'message',
    format('job %s was completed before: nothing was done now', :'job'),
    'a late repetition of its insert hears that it was done'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'job'), 'PI503', NULL, 'it is not rolled back'
);
SELECT throws_ok(
    format('UPDATE pgimport.job SET deleted_at = NULL WHERE job_id = %L', :'job'), 'PI104', NULL,
    'and nobody brings it back by an UPDATE'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.verify_install() AS v (answer)
        WHERE NOT (v.answer ->> 'success')::boolean
    ), 0::bigint, 'the installation is found in order'
);

-- one whose window is over
SELECT pgimport_test.completed_job('{C}') AS job \gset
UPDATE pgimport.job SET rollback_until = now() - interval '1 second'
WHERE job_id = :'job';
SELECT is(
    pgimport.delete_job(:'job') ->> 'success', 'true', 'after its window a job may go'
);

-- one that was rolled back
SELECT pgimport_test.completed_job('{D}') AS job \gset
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT is(
    pgimport_test.pick(pgimport.delete_job(:'job'), 'success', 'status'),
    'success=true status=rolled_back', 'so may one that was rolled back'
);
SELECT throws_like(
    format('SELECT pgimport.redo_job(%L)', :'job'), '%', 'but then there is nothing to redo'
);
SELECT is(pgimport.get_job(:'job') ->> 'status', 'rolled_back', 'and it stays what it was');

-- one whose batches are in the target
SELECT pgimport_test.checked_job('{E,F,G}') AS job \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 1}');
SELECT throws_ok(
    format('SELECT pgimport.delete_job(%L)', :'job'), 'PI108', NULL,
    'a job that is being inserted is not deleted'
);

-- from which states
SELECT is(
    pgimport.delete_job(pgimport_test.new_job()) ->> 'status', 'cancelled',
    'a job without a file can be deleted'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}');
SELECT is(pgimport.delete_job(:'job') ->> 'status', 'cancelled', 'one with an open file, too');
SELECT pgimport_test.checked_job('{H}') AS job \gset
UPDATE pgimport.job SET status = 'failed'
WHERE job_id = :'job';
SELECT is(pgimport.delete_job(:'job') ->> 'status', 'cancelled', 'and a failed one');
SELECT pgimport_test.checked_job('{I}') AS job \gset
SELECT pgimport.cancel_job(:'job');
SELECT is(pgimport.delete_job(:'job') ->> 'status', 'cancelled', 'and one given up before');

-- the list
SELECT is(
    (
        SELECT count(*) FROM pgimport.list_jobs('{"deleted": true}') AS j
        WHERE j.target_name = 'codes'
    ), 8::bigint, 'deleted jobs are listed as such'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.list_jobs('{"deleted": false}') AS j
        WHERE j.deleted_at IS NOT NULL
    ), 0::bigint, 'or left out'
);
SELECT throws_ok(
    $$SELECT pgimport.list_jobs('{"deleted": "yes"}')$$, 'PI003', NULL, 'by true or false'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.list_jobs('{}') AS j
        WHERE j.deleted_at IS NOT NULL
    ), 8::bigint, 'without the filter they are among the others'
);

SELECT * FROM finish();
ROLLBACK;
