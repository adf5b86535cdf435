-- Whoever goes on with a job that was written meanwhile, by a session without client, is told so.
BEGIN;
\ir ../setup.psql
SELECT plan(4);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code}', pgimport_test.code_lines('A', 'B', 'C'));
SELECT set_config('pgimport_test.job', :'job', true);
CREATE FUNCTION pg_temp.resume() RETURNS text
LANGUAGE sql
AS $resume$
    SELECT pgimport_test.pick(
        pgimport.stage_file(
            current_setting('pgimport_test.job')::uuid, f.file_name, '{merchant_id,code}',
            '{"file_no": 1, "resume": true}'
        ), 'status', 'checkpoint.done', 'checkpoint.rows'
    )
    FROM pgimport.file AS f WHERE f.job_id = current_setting('pgimport_test.job')::uuid
$resume$;

SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job', '{"batch_rows": 2}');
SELECT is(
    pg_temp.resume(), 'status=inserting checkpoint.done=true checkpoint.rows=3',
    'a file of a job that is being written is done'
);
SELECT pgimport.insert_job(:'job');

-- as after a crash of the server
SELECT format('TRUNCATE pgimport_staging.job_%s', replace(:'job', '-', '')) \gexec
SELECT is(
    pg_temp.resume(), 'status=completed checkpoint.done=true checkpoint.rows=3',
    'also where a crash has emptied the staging, which is not needed any more'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'status', 'verified', 'actual_count'),
    'status=completed verified=true actual_count=3', 'the job stays as it is'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'status', 'rows_deleted'),
    'status=rolled_back rows_deleted=3', 'and is rolled back like any other'
);
SELECT * FROM finish();
ROLLBACK;
