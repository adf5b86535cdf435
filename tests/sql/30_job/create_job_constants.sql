BEGIN;
\ir ../setup.psql
SELECT plan(11);
SELECT pgimport_test.codes_target();

SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"constants": {"cod": "A"}}')$$, 'PI206', NULL,
    'a constant for a column that is not there is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"constants": {"id": "1"}}')$$, 'PI207', NULL,
    'a constant for a column that the database computes is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"constants": {"merchant_id": "Smith"}}')$$,
    'PI003', NULL, 'a constant must be a value of the column''s type'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"constants": {"sku": "123456789012345678901"}}')$$,
    'PI003', NULL, 'a constant must fit into the column'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"constants": ["A"]}')$$, 'PI003', NULL,
    'constants must be an object'
);

-- a constant is written to every row
SELECT pgimport_test.new_job(
    '{"constants": {"merchant_id": "11111111-1111-4111-8111-111111111111", "points": 7}}'
) AS job \gset
SELECT pgimport_test.stage(:'job', '{code}', '{A,B}');
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    $$SELECT c.code, c.merchant_id, c.points FROM pgimport_test.codes AS c ORDER BY c.code$$,
    $$VALUES ('A', pgimport_test.merchant(), 7), ('B', pgimport_test.merchant(), 7)$$,
    'a constant is written to every row, a number as well as a text'
);

-- the tenant of a job
SELECT pgimport.register_target(
    'pgimport_test.codes', 'tenanted', '{code,merchant_id}', '{"tenant_column": "merchant_id"}'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('tenanted', '{"tenant": "Smith"}')$$, 'PI003', NULL,
    'the tenant must be a value of the tenant column'
);
SELECT pgimport_test.new_job(
    '{"tenant": "22222222-2222-4222-8222-222222222222"}', 'tenanted'
) AS job \gset
SELECT pgimport_test.stage(:'job', '{code}', '{C}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport.insert_job(:'job') ->> 'rows_inserted', '1', 'a tenant stands in for a missing field'
);
SELECT is(
    (
        SELECT c.merchant_id::text FROM pgimport_test.codes AS c
        WHERE c.code = 'C'
    ),
    '22222222-2222-4222-8222-222222222222', 'it fills the tenant column of the target'
);
SELECT pgimport_test.new_job(
    '{"tenant": "north", "constants": {"merchant_id": "33333333-3333-4333-8333-333333333333"}}',
    'tenanted'
) AS job \gset
SELECT is(
    pgimport.get_job(:'job') -> 'options' -> 'constants',
    '{"merchant_id": "33333333-3333-4333-8333-333333333333"}'::jsonb,
    'unless the job gives that column as a constant itself'
);
SELECT pgimport_test.new_job('{"tenant": "north"}') AS job \gset
SELECT is(
    pgimport.get_job(:'job') -> 'options' -> 'constants',
    '{}'::jsonb, 'without a tenant column a tenant is a mere note'
);

SELECT * FROM finish();
ROLLBACK;
