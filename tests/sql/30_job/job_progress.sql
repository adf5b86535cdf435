-- What one session can show of job_progress; what others see of it is in test_job_progress.py.
BEGIN;
\ir ../setup.psql
SELECT plan(27);
SELECT pgimport_test.codes_target();

CREATE FUNCTION pgimport_test.progress(p_job_id uuid)
RETURNS text
LANGUAGE sql
VOLATILE
RETURN pgimport_test.pick(
    pgimport.job_progress(p_job_id), 'status', 'running', 'phase', 'rows_done', 'rows_total'
);

CREATE FUNCTION pgimport_test.counter(p_job_id uuid)
RETURNS text
LANGUAGE sql
VOLATILE
RETURN (SELECT concat_ws(' ', c.phase, c.rows_done) FROM pgimport._read_counter($1) AS c);

CREATE FUNCTION pgimport_test.end_counter(p_job_id uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $end_counter$
BEGIN
    EXECUTE format(
        'ALTER SEQUENCE pgimport_staging.%I MAXVALUE 5 RESTART 5 NO CYCLE',
        pgimport._staging_name(p_job_id, '_count')
    );
END;
$end_counter$;

CREATE FUNCTION pgimport_test.drop_counter(p_job_id uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $drop_counter$
BEGIN
    EXECUTE format('DROP SEQUENCE pgimport_staging.%I', pgimport._staging_name(p_job_id, '_count'));
END;
$drop_counter$;

SELECT throws_ok($$SELECT pgimport.job_progress(NULL)$$, 'PI001', NULL, 'a job must be named');
SELECT throws_ok(
    $$SELECT pgimport.job_progress('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'a job that is not there is refused'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT ok(
    pgimport.job_progress(:'job') ?& '{success,job_id,status,target,counts,message,warnings,
    details,running,phase,rows_done,rows_total,seconds,rows_per_second,eta_seconds,pid,
    waiting_for}'::text[],
    'all documented keys are there'
);

-- from the first file to the rollback: nothing runs beside the caller
SELECT is(
    pgimport_test.progress(:'job'),
    'status=pending running=false phase=null rows_done=null rows_total=null', 'a new job'
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B', 'C'),
    '{}', 'a.csv'
);
SELECT pgimport.check_job(:'job');
SELECT is(pgimport_test.counter(:'job'), 'duplicates', 'the check says its phases');
SELECT is(
    pgimport_test.progress(:'job'),
    'status=checked running=false phase=null rows_done=null rows_total=3',
    'a phase is told of a run only'
);
SELECT ok(
    (
        SELECT b.act = 'act' FROM pgimport._job_backends(:'job') AS b
        WHERE b.pid = pg_backend_pid()
    ), 'who has checked it holds its run lock until the end of the transaction'
);
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.counter(:'job'), 'fingerprints', 'so does the insert');
SELECT is(
    pgimport_test.progress(:'job'),
    'status=completed running=false phase=null rows_done=3 rows_total=3',
    'of a completed job the rows that were written'
);
SELECT pgimport.rollback_job(:'job');
SELECT is(pgimport_test.counter(:'job'), 'rollback 1', 'and the rollback, which counts its rows');
SELECT pgimport.redo_job(:'job');
SELECT pgimport.verify_job(:'job');
SELECT is(
    pgimport_test.counter(:'job'), 'fingerprints', 'what only looks leaves the counter alone'
);

-- the counter
SELECT pgimport._begin_phase(:'job', 'insert', 5000, 1000);
SELECT is(pgimport_test.counter(:'job'), 'insert 1000', 'rows that are done already count');
SELECT count(*) AS counted FROM generate_series(1, 2500)
WHERE nextval(format('pgimport_staging.job_%s_count', replace(:'job', '-', ''))::regclass) > 0
\gset
SELECT is(
    pgimport_test.counter(:'job'), 'insert 3001',
    'after 2500 more rows it says 2001 of them: a thousand are taken at a time'
);
SELECT pgimport._begin_phase(:'job', 'insert', 1000000, 160000);
SELECT is(
    pgimport_test.counter(:'job'), 'insert 160000', 'of many rows one of 16 is counted'
);
SELECT nextval(format('pgimport_staging.job_%s_count', replace(:'job', '-', ''))::regclass);
SELECT is(pgimport_test.counter(:'job'), 'insert 160016', 'and stands for all of them');
SELECT pgimport._begin_phase(:'job', 'check');
SELECT is(
    pgimport_test.counter(:'job'), 'check', 'a phase that counts no rows says no number'
);
SELECT pgimport._begin_phase(:'job', NULL);
SELECT is(pgimport_test.counter(:'job'), '', 'what begins has no phase yet');
SELECT ok(
    (
        SELECT c.seconds BETWEEN 0 AND 60 FROM pgimport._read_counter(:'job') AS c
    ), 'and began just now'
);
SELECT pgimport._begin_phase(
    :'job', 'insert', 10, 0, clock_timestamp() - interval '1 hour'
);
SELECT ok(
    (
        SELECT c.seconds BETWEEN 3600 AND 3660 FROM pgimport._read_counter(:'job') AS c
    ), 'seconds are those since the phase began'
);

-- its owner may write to it what he likes, and change it: whoever works on the job does not fail
SELECT pgimport_test.checked_job('{F,G}') AS odd \gset
SELECT setval(
    format('pgimport_staging.job_%s_count', replace(:'odd', '-', ''))::regclass,
    9223372036854775807
);
SELECT lives_ok(
    format('SELECT pgimport.job_progress(%L)', :'odd'), 'a value that means nothing is read'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'odd'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'and written over'
);
SELECT pgimport_test.end_counter(:'odd');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'odd'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'a counter that can count no further is left alone'
);

-- without it everything works as before
SELECT pgimport_test.checked_job('{D,E}') AS lost \gset
SELECT pgimport_test.drop_counter(:'lost');
SELECT is(pgimport_test.counter(:'lost'), '', 'a job may have no counter');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'lost'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'it is inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'lost'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'and rolled back'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'lost'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'and done again'
);
SELECT is(
    pgimport_test.progress(:'lost'),
    'status=completed running=false phase=null rows_done=2 rows_total=2',
    'and says what it has written'
);

SELECT * FROM finish();
ROLLBACK;
