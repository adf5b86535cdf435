BEGIN;
\ir ../setup.psql
SELECT plan(17);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{Merchant ID,Code,SKU,Remark}') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{checkpoint,copy_sql,counts,details,fence,file_no,job_id,mapping,message,row_copy_sql,status,
        success,target,warnings}'::text[],
    'an opened file answers with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'counts.files', 'file_no'),
    'success=true status=staging counts.files=1 file_no=1',
    'the job is staging and this is its first file'
);
SELECT is(
    :'answer'::jsonb ->> 'copy_sql',
    format(
        'COPY pgimport_staging.job_%s_f1 (merchant_id, code, sku, extra_4) FROM STDIN WITH '
        '(FORMAT csv, HEADER true, DELIMITER '','', ENCODING ''UTF8'')', replace(:'job', '-', '')
    ),
    'copy_sql names target columns, and the place of a field that goes nowhere'
);
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'::jsonb -> 'mapping' -> 0),
    '{column,header,how,position,score,staged_as}'::text[], 'a mapped field says all of itself'
);

SELECT :'answer'::jsonb ->> 'copy_sql' AS copy_sql \gset
\ir load_codes.psql
SELECT is(
    pgimport_test.pick(
        pgimport.finish_file(:'job', 1, 3), 'success', 'status', 'file_no', 'rows_staged'
    ),
    'success=true status=staged file_no=1 rows_staged=3',
    'copy_sql loads a CSV file as it is'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count', 'total_rows'),
    'clean_count=3 total_rows=3', 'what was loaded is what is checked'
);
SELECT replace(:'job', '-', '') AS hex \gset
SELECT results_eq(
    format(
        'SELECT row_no, line_no, code, sku, extra_4 FROM pgimport_staging.job_%s ORDER BY row_no',
        :'hex'
    ),
    $$VALUES (1::bigint, NULL::bigint, 'A', 'SKU, one', 'first'),
        (2, NULL, 'B', E'SKU\ntwo', NULL), (3, NULL, 'C', '', 'last')$$,
    'fields are staged as they stand in the file, an empty one as null'
);
SELECT results_eq(
    format('SELECT line_no FROM pgimport_staging.job_%s_rows ORDER BY row_no', :'hex'),
    '{2,3,4}'::bigint[], 'lines are counted after the header'
);

-- record by record, with lines
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{Merchant ID,Code,SKU,Remark}'
) ->> 'row_copy_sql' AS row_copy_sql \gset
\ir load_lines.psql
SELECT is(
    pgimport.finish_file(:'job', 1, 2) ->> 'rows_staged', '2', 'row_copy_sql loads records'
);
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT line_no FROM pgimport_staging.job_%s_rows ORDER BY row_no',
        replace(:'job', '-', '')
    ),
    '{2,9}'::bigint[], 'each on the line that its reader gave it'
);

-- another form of file
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'b.csv', '{merchant_id,code,price}',
    '{"delimiter": ";", "header": false, "encoding": "win1252", "bytes": 90}'
) AS answer \gset
SELECT matches(
    :'answer'::jsonb ->> 'copy_sql',
    'HEADER false, DELIMITER '';'', ENCODING ''WIN1252''', 'the form of the file is in copy_sql'
);
SELECT :'answer'::jsonb ->> 'copy_sql' AS copy_sql \gset
\ir load_semicolons.psql
SELECT is(
    pgimport.finish_file(:'job', 1, 2) ->> 'rows_staged', '2',
    'a file without a header line loses no record'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    (
        SELECT format('%s %s', i.line_no, i.code) FROM pgimport.issue AS i
        WHERE i.job_id = :'job'
    ),
    '1 bad_numeric', 'and its lines count from one'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0, 'file_name', 'bytes', 'encoding', 'delimiter'
    ),
    'file_name=b.csv bytes=90 encoding=WIN1252 delimiter=;', 'the form of the file is on record'
);

-- what it is made of
SELECT is(
    (
        SELECT c.relpersistence FROM pg_catalog.pg_class AS c
        WHERE c.relname = format('job_%s_f1', replace(:'job', '-', ''))
    ),
    'u', 'staged rows are not written to the log of the server'
);
SELECT pgimport_test.new_job('{"durable": true}') AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{code}');
SELECT is(
    (
        SELECT c.relpersistence FROM pg_catalog.pg_class AS c
        WHERE c.relname = format('job_%s_f1', replace(:'job', '-', ''))
    ),
    'p', 'unless the job is durable'
);
SELECT is(
    pgimport_test.pick(
        pgimport.stage_file(:'job', 'b.csv', '{code}'), 'file_no', 'counts.files'
    ),
    'file_no=2 counts.files=2', 'the next file has the next number'
);

SELECT * FROM finish();
ROLLBACK;
