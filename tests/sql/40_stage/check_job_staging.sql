-- What the check finds of the files themselves: open ones, none, lost ones.
BEGIN;
\ir ../setup.psql
SELECT plan(20);
SELECT pgimport_test.codes_target();

-- loses the staged rows of a file, as TRUNCATE or DROP TABLE says
CREATE FUNCTION pgimport_test.lose(p_how text, p_job_id uuid, p_file_no integer)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $lose$
BEGIN
    EXECUTE format(
        '%s pgimport_staging.job_%s_f%s', p_how, replace(p_job_id::text, '-', ''), p_file_no
    );
END;
$lose$;

-- a file nobody closed
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{Merchant ID,Code,SKU,Remark}'
) ->> 'copy_sql' AS copy_sql \gset
\ir load_codes.psql
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'clean_count'),
    'success=true status=checked clean_count=3', 'a file that nobody closed is checked as it is'
);
SELECT matches(
    :'answer'::jsonb -> 'warnings' ->> 0, '"a.csv" was closed with 3 rows.*nobody said',
    'with a warning that says how many rows that were'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0, 'status', 'rows_staged', 'rows_parsed'
    ),
    'status=staged rows_staged=3 rows_parsed=null', 'and closed'
);
SELECT is(
    pgimport.check_job(:'job') -> 'warnings', '[]'::jsonb, 'the next check has nothing to say of it'
);

-- open and empty, and nothing
SELECT pgimport_test.new_job() AS job \gset
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI306', NULL,
    'a job without a file has nothing to check'
);
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}');
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI305', NULL,
    'a file that is open and empty stops the check'
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'), '{}', 'b.csv'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI305', NULL, 'also beside a staged one'
);
SELECT is(
    pgimport.get_job(:'job') ->> 'status', 'staging', 'the job is still staging'
);
SELECT pgimport.finish_file(:'job', 1, 0);
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '1', 'a file closed with no rows does not stop it'
);

-- rows lost in a crash: the server comes back with unlogged tables empty
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport_test.lose('TRUNCATE', :'job', 1);
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'code', 'counts.clean_rows'),
    'success=false status=staging_lost code=PI306 counts.clean_rows=null',
    'rows lost are no success and no clean rows: the job says staging_lost'
);
SELECT ok(
    :'answer'::jsonb ? 'clean_count' AND :'answer'::jsonb ->> 'hint' <> '',
    'the answer has the keys of a check, and a hint'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'status', 'staging_lost', 'checking again finds the same'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL, 'it cannot be inserted'
);
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, ''{}'')', :'job'), 'PI102', NULL, 'nor mapped anew'
);
SELECT is(
    pgimport_test.stage(
        :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B'), '{"file_no": 1}'
    ),
    1, 'its file can be staged again'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'success', 'status', 'clean_count'),
    'success=true status=checked clean_count=2', 'and checked'
);

-- lost between check and insert
SELECT pgimport_test.lose('TRUNCATE', :'job', 1);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'status', 'code', 'rows_inserted'
    ),
    'success=false status=staging_lost code=PI306 rows_inserted=0',
    'rows lost after the check are found by the insert'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 0::bigint, 'which writes nothing'
);
SELECT is(
    pgimport.cancel_job(:'job') ->> 'status',
    'cancelled',
    'a job that lost its rows can be given up'
);

-- a file may be lost alone
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('C'), '{}', 'b.csv'
);
SELECT pgimport_test.lose('DROP TABLE', :'job', 2);
SELECT is(
    pgimport.check_job(:'job') ->> 'status', 'staging_lost', 'one lost file is enough'
);

SELECT * FROM finish();
ROLLBACK;
