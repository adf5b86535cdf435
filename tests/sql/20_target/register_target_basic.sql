BEGIN;
\ir ../setup.psql
SELECT plan(23);

CREATE TABLE pgimport_test.plain_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    code text NOT NULL,
    price numeric(10, 2),
    doubled numeric GENERATED ALWAYS AS (price * 2) STORED,
    UNIQUE (merchant_id, code)
);

SELECT
    pgimport.register_target(
        'pgimport_test.plain_table', 'plain', '{code,merchant_id}', '{"label": "Codes"}'
    ) AS answer
\gset

SELECT is(
    :'answer'::jsonb ->> 'target', 'pgimport_test.plain_table',
    'the answer names the table with its schema'
);
SELECT is(
    :'answer'::jsonb -> 'key', '["code", "merchant_id"]'::jsonb, 'the key comes back as given'
);
SELECT is(
    :'answer'::jsonb -> 'ddl',
    jsonb_build_array(
        'ALTER TABLE pgimport_test.plain_table ADD COLUMN import_job_id uuid;',
        'CREATE INDEX ON pgimport_test.plain_table USING brin (import_job_id) '
        'WITH (autosummarize = true);'
    ),
    'the column and its BRIN index are among the statements'
);
SELECT is(
    (
        SELECT array_agg(k.key ORDER BY k.key)
        FROM jsonb_object_keys(:'answer'::jsonb) AS k (key)
        WHERE k.key <> 'ddl_applied'
    ),
    '{counts,ddl,details,job_id,key,message,name,status,success,target,warnings}'::text[],
    'all keys of the envelope are there'
);
SELECT col_type_is(
    'pgimport_test', 'plain_table', 'import_job_id', 'uuid', 'the table has the column now'
);
SELECT is(
    (
        SELECT am.amname
        FROM pg_catalog.pg_index AS i
        INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
        INNER JOIN pg_catalog.pg_am AS am ON c.relam = am.oid
        INNER JOIN pg_catalog.pg_attribute AS a
            ON i.indrelid = a.attrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = 'pgimport_test.plain_table'::regclass
            AND a.attname = 'import_job_id'
    ),
    'brin', 'and a BRIN index on it'
);

SELECT is(
    pgimport.register_target(
        'pgimport_test.plain_table', 'plain', '{code,merchant_id}',
        '{"rollback_window": "10 days"}'
    ) -> 'ddl',
    '[]'::jsonb, 'the same registration again changes nothing in the table'
);
SELECT is(
    (
        SELECT t.options FROM pgimport.list_targets() AS t
        WHERE t.name = 'plain'
    ),
    '{"rollback_window": "10 days"}'::jsonb, 'but puts its options in force'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.list_targets() AS t
        WHERE t.name = 'plain'
    ),
    1::bigint, 'and the target is listed once'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.plain_table', 'plain', '{id}')$$,
    'PI207', NULL, 'a key of computed columns is refused before anything else'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'plain', '{code,merchant_id}')$$,
    'PI202', NULL, 'a name belongs to one table only'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.plain_table', 'plain', '{merchant_id,code}')$$,
    'PI202', NULL, 'and to one key'
);
SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.plain_table', 'plain 2',
        '{merchant_id,code}')$$,
    'one table may be two targets'
);

SELECT throws_ok(
    $$SELECT pgimport.register_target(NULL, 'x', '{code}')$$,
    'PI001', NULL, 'a table is required'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', ' ', '{code,merchant_id}')$$,
    'PI001', NULL, 'a name is required'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{}')$$,
    'PI001', NULL, 'a key is required'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code,code}')$$,
    'PI003', NULL, 'a column stands in a key once'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{nope}')$$,
    'PI206', NULL, 'a key names columns that exist'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{import_job_id}')$$,
    'PI206', NULL, 'import_job_id is no part of a key'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code,merchant_id}',
        '{"lable": "x"}')$$,
    'PI002', NULL, 'unknown options are refused'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code,merchant_id}',
        '{"rollback_window": "soon"}')$$,
    'PI003', NULL, 'the rollback window must be an interval'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code,merchant_id}',
        '{"job_index": "hash"}')$$,
    'PI003', NULL, 'the index on import_job_id is brin or btree'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code,merchant_id}',
        '{"tenant_column": "nope"}')$$,
    'PI206', NULL, 'the tenant column must exist'
);

SELECT * FROM finish();
ROLLBACK;
