BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

-- before any file
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.set_mapping(:'job', '{"Voucher": "code", "sku": null}') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{counts,details,files,job_id,mapping,message,status,success,target,warnings}'::text[],
    'a mapping set answers with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'mapping', 'files'),
    'success=true status=pending mapping={"sku": null, "Voucher": "code"} files=[]',
    'a job without files takes a mapping'
);
SELECT is(
    (
        SELECT string_agg(coalesce(m ->> 'column', '-'), ',' ORDER BY m -> 'position')
        FROM jsonb_array_elements(
                pgimport.stage_file(:'job', 'a.csv', '{merchant_id,Voucher,sku}') -> 'mapping'
            ) AS m
    ),
    'merchant_id,code,-', 'which the next file follows'
);

-- an open file follows, too
SELECT pgimport.set_mapping(:'job', '{"Voucher": "serial", "sku": "code"}');
SELECT is(
    (
        SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
        WHERE
            a.attrelid = format('pgimport_staging.job_%s_f1', replace(:'job', '-', ''))::regclass
            AND a.attnum > 3
    ),
    'merchant_id,serial,code', 'an open file gets its columns named anew'
);

-- after staging: two columns change places
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B')
);
SELECT is(
    pgimport.set_mapping(:'job', '{"code": "sku", "sku": "serial"}') ->> 'status', 'staged',
    'a staged job stays staged'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI207', NULL,
    'a mapping that leaves a required column out is found by the check'
);
SELECT is(
    pgimport_test.pick(
        pgimport.set_mapping(:'job', '{"code": "serial", "sku": "code"}'),
        'files.0.file_name', 'files.0.mapping.1.column', 'files.0.mapping.2.column'
    ),
    'files.0.file_name=a.csv files.0.mapping.1.column=serial files.0.mapping.2.column=code',
    'the answer says where the fields of each file go now'
);
SELECT pgimport.set_mapping(:'job', '{"code": "code", "sku": "serial"}');
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '2', 'it may be changed again and again');

-- after the check
SELECT is(
    pgimport_test.pick(
        pgimport.set_mapping(:'job', '{"code": "serial", "sku": "code"}'),
        'status', 'counts.clean_rows'
    ),
    'status=staged counts.clean_rows=null', 'a checked job is then to be checked again'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL, 'before it is inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count', 'internal_duplicates'),
    'clean_count=1 internal_duplicates=1', 'columns swapped after the check are checked as swapped'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT code, serial FROM pgimport_test.codes', $$VALUES ('SKU-1', 'A')$$,
    'and inserted as swapped'
);
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, ''{}'')', :'job'), 'PI102', NULL,
    'a completed job takes no mapping'
);

-- files with other headers
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'));
SELECT pgimport_test.stage(
    :'job', '{colour,merchant_id,code}',
    ARRAY['red,' || pgimport_test.merchant()::text || ',B'], '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    jsonb_array_length(
        pgimport.set_mapping(:'job', '{"colour": "sku", "sku": null}') -> 'files'
    ),
    2, 'a mapping reaches all files of a job'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    $$SELECT code, sku::text FROM pgimport_test.codes WHERE code <> 'SKU-1' ORDER BY code$$,
    $$VALUES ('A', NULL), ('B', 'red')$$, 'each by its own header'
);

-- misuse
SELECT pgimport_test.checked_job('{C}') AS job \gset
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, NULL)', :'job'), 'PI001', NULL,
    'a mapping must be given'
);
SELECT throws_ok(
    $$SELECT pgimport.set_mapping(NULL, '{}')$$, 'PI001', NULL, 'and a job'
);
SELECT throws_ok(
    $$SELECT pgimport.set_mapping('00000000-0000-0000-0000-000000000000', '{}')$$, 'PI101', NULL,
    'one that is there'
);
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, ''["code"]'')', :'job'), 'PI003', NULL,
    'a mapping is an object'
);
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, ''{"code": "nope"}'')', :'job'), 'PI206', NULL,
    'of columns that are there'
);
SELECT throws_ok(
    format('SELECT pgimport.set_mapping(%L, ''{"code": "sku", "sku": "sku"}'')', :'job'),
    'PI207', NULL, 'each once in a file'
);
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'job'), 'status', 'counts.clean_rows'),
    'status=checked counts.clean_rows=1', 'a refused mapping leaves the check as it was'
);

SELECT * FROM finish();
ROLLBACK;
