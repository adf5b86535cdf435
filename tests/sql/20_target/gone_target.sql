BEGIN;
\ir ../setup.psql
SELECT plan(7);
SELECT pgimport_test.codes_target();

SELECT is(
    (SELECT pgimport._target_relation(t)::text FROM pgimport._find_target('codes') AS t),
    'pgimport_test.codes', 'a target leads to its table'
);
ALTER TABLE pgimport_test.codes DROP CONSTRAINT codes_code_merchant_id_key;
SELECT matches(
    pgimport.describe_target('codes') -> 'warnings' ->> 0, 'no unique index',
    'a target whose index is gone says so'
);
ALTER TABLE pgimport_test.codes ADD UNIQUE (code, merchant_id);
ALTER TABLE pgimport_test.codes DROP COLUMN import_job_id;
SELECT matches(
    pgimport.describe_target('codes') -> 'warnings' ->> 0, 'ADD COLUMN import_job_id uuid',
    'so does one without import_job_id, with the statement that adds it'
);
SELECT throws_ok(
    $$SELECT pgimport._key_columns(t.target_id) FROM pgimport._find_target('codes') AS t$$,
    'PI205', NULL, 'and no import begins without it'
);
ALTER TABLE pgimport_test.codes RENAME TO old_codes;
SELECT throws_ok(
    $$SELECT pgimport.describe_target('codes')$$, 'PI205', NULL,
    'a table that was renamed is gone'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes')$$, 'PI205', NULL, 'no job begins for it'
);
SELECT is(
    pgimport.drop_target('codes') ->> 'success', 'true', 'but the target can be dropped'
);

SELECT * FROM finish();
ROLLBACK;
