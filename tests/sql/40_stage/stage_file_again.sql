BEGIN;
\ir ../setup.psql
SELECT plan(13);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B'));
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,batch_code}',
    ARRAY[pgimport_test.merchant()::text || ',C,b-1', pgimport_test.merchant()::text || ',,b-2'],
    '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job');

-- the second file alone, corrected
SELECT pgimport.stage_file(
    :'job', 'b.csv', '{merchant_id,code,sku}', '{"file_no": 2}'
) AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'file_no', 'status', 'counts.files'),
    'file_no=2 status=staging counts.files=2',
    'a file staged again keeps its number, and the job goes back to staging'
);
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'job'), 'counts.total_rows', 'checked_at'),
    'counts.total_rows=null checked_at=null', 'what the check found is forgotten'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.issue AS i
        WHERE i.job_id = :'job'
    ), 0::bigint,
    'with its issues'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL,
    'the job cannot be inserted before it is checked again'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI305', NULL,
    'nor checked before the file is loaded'
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('C', 'D', 'E'), '{"file_no": 2}',
    'b.csv'
);
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'status', 'total_rows', 'clean_count', 'counts.files'
    ),
    'status=checked total_rows=5 clean_count=5 counts.files=2',
    'its new rows stand in for the old ones, the other file is untouched'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT code, sku FROM pgimport_test.codes ORDER BY code',
    $$SELECT unnest('{A,B,C,D,E}'::text[]), 'SKU-1'::varchar(20)$$,
    'and that is what is inserted'
);

-- one more file after the check, with a new field
SELECT pgimport_test.checked_job('{F}') AS job \gset
SELECT is(
    pgimport_test.stage(
        :'job', '{merchant_id,code,points}',
        ARRAY[pgimport_test.merchant()::text || ',G,5'], '{}', 'g.csv'
    ),
    2, 'a checked job takes one more file'
);
SELECT is(
    pgimport.get_job(:'job') ->> 'status', 'staged', 'and is then to be checked again'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '2', 'with all its files'
);
-- a failed file comes again
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{merchant_id,code}');
SELECT pgimport.add_issues(:'job', 1, '[{"line_no": 3, "code": "ragged_row", "value": "x"}]');
SELECT pgimport.finish_file(:'job', 1, NULL, '{"failed": "cut short"}');
SELECT is(
    pgimport_test.stage(
        :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('H'), '{"file_no": 1}'
    ),
    1, 'a failed file can be staged again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0, 'status', 'rows_staged', 'error_message'
    ),
    'status=staged rows_staged=1 error_message=null', 'and is then like any other'
);
SELECT is(
    pgimport.check_job(:'job') -> 'errors', '[]'::jsonb, 'the issues of its first reading are gone'
);

SELECT * FROM finish();
ROLLBACK;
