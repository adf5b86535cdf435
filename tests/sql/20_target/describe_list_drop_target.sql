BEGIN;
\ir ../setup.psql
SELECT plan(20);
SELECT pgimport_test.codes_target();
SELECT pgimport.set_column('codes', 'batch_code', '{"aliases": ["batch_id"]}');
SELECT pgimport.describe_target('codes') AS answer \gset

SELECT is(:'answer'::jsonb ->> 'target', 'pgimport_test.codes', 'describe names the table');
SELECT is(:'answer'::jsonb -> 'key', '["code", "merchant_id"]'::jsonb, 'its key');
SELECT is(
    :'answer'::jsonb ->> 'index', 'pgimport_test.codes_code_merchant_id_key',
    'the index that guards the key'
);
SELECT is(
    :'answer'::jsonb -> 'options' ->> 'rollback_window', '30 days', 'and the options in force'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'name', ',' ORDER BY (c -> 'position')::integer)
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') AS c
    ),
    'id,merchant_id,code,serial,sku,points,batch_code,price,window_start,activated,created_at',
    'all columns but import_job_id, in order'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'name', ',' ORDER BY (c -> 'position')::integer)
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') AS c
        WHERE (c -> 'required')::boolean
    ),
    'merchant_id,code',
    'required are those that are NOT NULL and have no default'
);
SELECT is(
    (
        SELECT c
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') AS c
        WHERE c ->> 'name' = 'sku'
    ) - 'position',
    '{"name": "sku", "type": "character varying(20)", "required": false, "not_null": false,
      "default": null, "max_length": 20, "key_position": null, "importable": true,
      "rules": {}}'::jsonb,
    'a column is described with its type and length'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'name', ',')
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') AS c
        WHERE NOT (c -> 'importable')::boolean
    ),
    'id', 'columns that the database computes cannot be imported'
);
SELECT is(
    (
        SELECT c -> 'rules'
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') AS c
        WHERE c ->> 'name' = 'batch_code'
    ),
    '{"aliases": ["batch_id"]}'::jsonb, 'rules are shown at their column'
);
SELECT is(
    pgimport.describe_target('pgimport_test.codes') ->> 'name', 'codes',
    'a target is also found by its table'
);
SELECT throws_ok(
    $$SELECT pgimport.describe_target('codez')$$, 'PI201', NULL,
    'an unknown target is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.describe_target(NULL)$$, 'PI001', NULL, 'a target is required'
);

SELECT is(
    (
        SELECT format('%s %s %s %s', t.name, t.target, t.key, t.jobs)
        FROM pgimport.list_targets() AS t
        WHERE t.name = 'codes'
    ),
    'codes pgimport_test.codes {code,merchant_id} 0', 'the list shows name, table, key and jobs'
);

SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT throws_ok(
    $$SELECT pgimport.drop_target('codes')$$, 'PI102', NULL,
    'a target with an unfinished job stays'
);
SELECT pgimport.insert_job(:'job');
SELECT is(
    pgimport.drop_target('codes') ->> 'name', 'codes', 'after the job it can be dropped'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.list_targets() AS t
        WHERE t.name = 'codes'
    ), 0::bigint,
    'it is not listed any more'
);
SELECT throws_ok(
    $$SELECT pgimport.drop_target('codes')$$, 'PI201', NULL, 'nor dropped twice'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 2::bigint, 'the table is as it was'
);
SELECT is(
    pgimport.rollback_job(:'job') ->> 'rows_deleted', '2',
    'and its jobs can still be rolled back'
);
SELECT lives_ok(
    $$SELECT pgimport_test.codes_target()$$, 'the name is free again'
);

SELECT * FROM finish();
ROLLBACK;
