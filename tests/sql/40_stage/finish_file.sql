BEGIN;
\ir ../setup.psql
SELECT plan(34);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{Merchant ID,Code,SKU,Remark}'
) ->> 'copy_sql' AS copy_sql \gset
\ir load_codes.psql
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 4)', :'job'), 'PI303', NULL,
    'fewer rows staged than parsed are not accepted'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 2)', :'job'), 'PI303', NULL, 'nor are more'
);
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'job') -> 'files' -> 0, 'status', 'rows_staged'),
    'status=open rows_staged=null', 'the file stays open'
);
SELECT pgimport.finish_file(
    :'job', 1, 3, format(
        '{"rows_refused": 2, "bytes": 210, "line_offset": 3, "sha256": "%s"}', repeat('0', 64)
    )::jsonb
) AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{counts,details,file_no,job_id,message,rows_staged,status,success,target,warnings}'::text[],
    'a closed file answers with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'file_no', 'rows_staged'),
    'success=true status=staged file_no=1 rows_staged=3', 'the last file makes the job staged'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0,
        'status', 'rows_parsed', 'rows_staged', 'rows_refused', 'bytes', 'sha256'
    ),
    'status=staged rows_parsed=3 rows_staged=3 rows_refused=2 bytes=210 sha256='
    || repeat('0', 64),
    'what the reader knows of the file is on record'
);
SELECT is(
    pgimport.finish_file(:'job', 1, 3), :'answer'::jsonb, 'the same call again answers the same'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'file_staged'
    ),
    1::bigint, 'and is not logged again'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 2)', :'job'), 'PI302', NULL,
    'a closed file is not closed again with another number'
);
SELECT throws_ok(
    format(
        'INSERT INTO pgimport_staging.job_%s_f1 (code) VALUES (''X'')', replace(:'job', '-', '')
    ),
    '23502', NULL, 'a row that comes later gets no row number'
);
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT line_no FROM pgimport_staging.job_%s_rows ORDER BY row_no',
        replace(:'job', '-', '')
    ),
    '{4,5,6}'::bigint[], 'lines are counted from the offset that the reader gave'
);

-- misuse
SELECT throws_ok(
    $$SELECT pgimport.finish_file(NULL, 1, 1)$$, 'PI001', NULL, 'a job must be named'
);
SELECT throws_ok(
    $$SELECT pgimport.finish_file('00000000-0000-0000-0000-000000000000', 1, 1)$$, 'PI101', NULL,
    'one that is there'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 2, 1)', :'job'), 'PI301', NULL,
    'a file that is not there cannot be closed'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, NULL, 1)', :'job'), 'PI301', NULL, 'nor can none'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, NULL)', :'job'), 'PI001', NULL,
    'the number of rows parsed must be said'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, -1)', :'job'), 'PI003', NULL,
    'it cannot be negative'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 3, ''{"refused": 1}'')', :'job'), 'PI002', NULL,
    'an unknown option is refused'
);
SELECT
    throws_ok(
        format('SELECT pgimport.finish_file(%L, 1, 3, %L)', :'job', w.options), 'PI003', NULL,
        format('so is a wrong value: %s', w.options)
    )
FROM (
    VALUES
    ('{"sha256": "abc"}'), ('{"rows_refused": "two"}'), ('{"bytes": -1}'), ('{"line_offset": 0.5}')
) AS w (options);

-- a file that failed
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B'));
SELECT pgimport.stage_file(:'job', 'b.csv', '{merchant_id,code}');
SELECT is(
    pgimport_test.pick(
        pgimport.finish_file(:'job', 2, NULL, '{"failed": "connection lost"}'),
        'success', 'status', 'file_no', 'rows_staged', 'message'
    ),
    'success=true status=staged file_no=2 rows_staged=0 '
    'message=file 2 failed and is left out: connection lost',
    'a file can be given up, and the job goes on'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 1, 'status', 'error_message', 'rows_staged'
    ),
    'status=failed error_message=connection lost rows_staged=null', 'it stays on record with why'
);
SELECT is(
    to_regclass(format('pgimport_staging.job_%s_f2', replace(:'job', '-', ''))), NULL,
    'its rows are freed'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 2, 0)', :'job'), 'PI302', NULL,
    'a failed file is not closed'
);
SELECT is(
    pgimport_test.pick(
        pgimport.finish_file(:'job', 2, NULL, '{"failed": "connection lost"}'), 'success', 'status'
    ),
    'success=true status=staged', 'giving it up again is no fault'
);
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'clean_count'),
    'success=true status=checked clean_count=2', 'the other file is untouched'
);
SELECT matches(
    :'answer'::jsonb -> 'warnings' ->> 0, '"b.csv" failed', 'and the check warns of the failed one'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, NULL, ''{"failed": "late"}'')', :'job'),
    'PI102', NULL, 'after the check no file is given up'
);

-- a staged file given up
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'));
SELECT pgimport.finish_file(:'job', 1, NULL, '{"failed": "wrong one"}');
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI306', NULL,
    'a job whose only file failed has nothing to check'
);

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{Merchant ID,Code,SKU,Remark}'
) ->> 'copy_sql' AS copy_sql \gset
\ir load_codes.psql
SELECT is(
    pgimport_test.pick(
        pgimport.finish_file(:'job', 1, 3, '{"more": true}'), 'status', 'rows_staged'
    ),
    'status=staging rows_staged=3', 'a job into which more files go is not staged yet'
);
SELECT is(
    pgimport_test.pick(pgimport.finish_file(:'job', 1, 3), 'status', 'rows_staged'),
    'status=staged rows_staged=3', 'it is when a file is closed without that word, also again'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 3, ''{"more": "yes"}'')', :'job'), 'PI003', NULL,
    'more is true or false'
);

SELECT * FROM finish();
ROLLBACK;
