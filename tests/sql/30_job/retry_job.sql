-- A job that stopped on its way is tried again.
BEGIN;
\ir ../setup.psql
SELECT plan(26);
SELECT pgimport_test.codes_target();

CREATE FUNCTION pgimport_test.no_b()
RETURNS trigger
LANGUAGE plpgsql
AS $no_b$
BEGIN
    RAISE EXCEPTION 'no B please';
END;
$no_b$;
CREATE TRIGGER no_b BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW WHEN (new.code = 'B') EXECUTE FUNCTION pgimport_test.no_b();

-- failed
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport.insert_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.retry_job(:'job'), 'success', 'status', 'retried', 'code', 'details.sqlstate'
    ),
    'success=false status=failed retried=failed code=PI404 details.sqlstate=P0001',
    'a job that fails again says so'
);
DROP TRIGGER no_b ON pgimport_test.codes;
SELECT pgimport.retry_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'retried', 'rows_inserted', 'files',
        'details.check.clean_count'
    ),
    'success=true status=completed retried=failed rows_inserted=2 files=[] '
    'details.check.clean_count=2', 'mended, it is checked and inserted'
);
SELECT is(
    pgimport.get_job(:'job') ->> 'error', NULL, 'and has no error any more'
);
SELECT is(
    (
        SELECT string_agg(e.details ->> 'from', ' ') FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'retried'
    ), 'failed failed', 'its log tells of both'
);
SELECT is(
    pgimport_test.pick(pgimport.retry_job(:'job'), 'success', 'status', 'retried', 'rows_inserted'),
    'success=true status=completed retried=completed rows_inserted=2',
    'trying a completed job again changes nothing'
);
SELECT is((SELECT count(*) FROM pgimport_test.codes), 2::bigint, 'and inserts nothing');

-- staged, checked
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('C', 'A'));
SELECT is(
    pgimport_test.pick(
        pgimport.retry_job(:'job'), 'success', 'status', 'retried', 'rows_inserted', 'rows_skipped'
    ), 'success=true status=completed retried=staged rows_inserted=1 rows_skipped=1',
    'a job that was only staged is checked and inserted'
);
SELECT pgimport_test.checked_job('{D}') AS job \gset
ALTER TABLE pgimport_test.codes ADD CONSTRAINT no_d CHECK (code <> 'D');
SELECT is(
    pgimport_test.pick(
        pgimport.retry_job(:'job'), 'success', 'status', 'rows_inserted', 'rows_rejected'
    ), 'success=true status=completed rows_inserted=0 rows_rejected=1',
    'a checked one is checked anew, by what holds now'
);

-- refused by its limits
SELECT pgimport_test.checked_job('{D,E}', '{"on_issue": "abort"}') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.retry_job(:'job'), 'success', 'status', 'code', 'retried'),
    'success=false status=checked code=PI402 retried=checked',
    'a job that its limits refuse stays checked'
);

-- in batches
SELECT pgimport_test.checked_job('{F,G,H}') AS job \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 1}');
SELECT is(
    pgimport_test.pick(
        pgimport.retry_job(:'job', '{"batch_rows": 1}'), 'success', 'status', 'retried', 'batch_no'
    ),
    'success=true status=inserting retried=inserting batch_no=2',
    'a job in batches writes the next one'
);
SELECT is(
    pgimport_test.pick(pgimport.retry_job(:'job'), 'success', 'status', 'rows_inserted'),
    'success=true status=completed rows_inserted=3', 'or, told nothing, all the rest'
);

-- lost rows
SELECT pgimport_test.checked_job('{K}') AS job \gset
UPDATE pgimport.job SET status = 'staging_lost'
WHERE job_id = :'job';
SELECT is(
    pgimport_test.pick(
        pgimport.retry_job(:'job'), 'success', 'status', 'code', 'files.0.file_no',
        'files.0.file_name'
    ),
    'success=false status=staging_lost code=PI306 files.0.file_no=1 files.0.file_name=a.csv',
    'where the staged rows are lost it names the files to stage again'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'retried'
    ), 0::bigint, 'and has not tried anything'
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('K'), '{"file_no": 1}'
);
SELECT is(
    pgimport_test.pick(pgimport.retry_job(:'job'), 'success', 'status', 'rows_inserted'),
    'success=true status=completed rows_inserted=1', 'staged again, it goes on'
);

-- where it makes no sense
SELECT pgimport_test.new_job() AS job \gset
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L)', :'job'), 'PI109', NULL,
    'a job without files has nothing to try again'
);
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}');
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L)', :'job'), 'PI109', NULL, 'nor one with an open file'
);
SELECT pgimport.cancel_job(:'job');
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L)', :'job'), 'PI109', NULL, 'nor one given up'
);
SELECT pgimport_test.completed_job('{L}') AS job \gset
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L)', :'job'), 'PI109', NULL, 'nor one rolled back'
);
SELECT throws_like(
    format('SELECT pgimport.retry_job(%L)', :'job'), '%is rolled_back%', 'and it says why'
);
SELECT pgimport_test.checked_job('{M}') AS job \gset
SELECT pgimport.submit_job(:'job');
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L)', :'job'), 'PI109', NULL,
    'nor one that waits for a worker'
);
SELECT throws_ok($$SELECT pgimport.retry_job(NULL)$$, 'PI001', NULL, 'a job must be named');
SELECT throws_ok(
    $$SELECT pgimport.retry_job('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'and be there'
);
SELECT throws_ok(
    format('SELECT pgimport.retry_job(%L, ''{"rows": 1}'')', :'job'), 'PI002', NULL,
    'unknown options are refused'
);

-- the same file, while the job that has it waits or is written
SELECT pgimport_test.new_job() AS first \gset
SELECT pgimport_test.stage(
    :'first', '{merchant_id,code,sku}', pgimport_test.code_lines('X', 'Y'),
    '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
);
SELECT pgimport.check_job(:'first');
SELECT pgimport_test.new_job() AS second \gset
SELECT format(
    'SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'', %L)', :'second',
    '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
) AS stage \gset
SELECT pgimport.submit_job(:'first');
SELECT throws_ok(:'stage', 'PI304', NULL, 'a file of a job in the queue is refused to others');
SELECT pgimport.cancel_job(:'first');
SELECT lives_ok(:'stage', 'until that job is cancelled');
SELECT pgimport.cancel_job(:'second');
SELECT pgimport_test.new_job() AS first \gset
SELECT pgimport_test.stage(
    :'first', '{merchant_id,code,sku}', pgimport_test.code_lines('X', 'Y'),
    '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
);
SELECT pgimport.check_job(:'first');
SELECT pgimport.insert_job(:'first', '{"batch_rows": 1}');
SELECT pgimport_test.new_job() AS second \gset
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'', %L)', :'second',
        '{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
    ), 'PI304', NULL, 'and that of a job whose batches are being written'
);

SELECT * FROM finish();
ROLLBACK;
