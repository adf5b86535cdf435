BEGIN;
\ir ../setup.psql
SELECT plan(20);

CREATE VIEW pgimport_test.code_view AS SELECT c.code FROM pgimport_test.codes AS c;
CREATE MATERIALIZED VIEW pgimport_test.code_copy AS SELECT c.code FROM pgimport_test.codes AS c;
CREATE TEMPORARY TABLE temporary_codes (code text PRIMARY KEY);
CREATE SEQUENCE pgimport_test.numbers;

SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.code_view', 'x', '{code}')$$,
    'PI203', NULL, 'a view cannot be a target'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.code_copy', 'x', '{code}')$$,
    'PI203', NULL, 'nor a materialized view'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pg_temp.temporary_codes', 'x', '{code}')$$,
    'PI203', NULL, 'nor a temporary table'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.numbers', 'x', '{last_value}')$$,
    'PI203', NULL, 'nor a sequence'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pg_catalog.pg_class', 'x', '{oid}')$$,
    'PI203', NULL, 'nor a catalog of the server'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport.job', 'x', '{job_id}')$$,
    'PI203', NULL, 'nor a table of pgimport'
);

-- keys without an index
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{code}')$$,
    'PI204', NULL, 'a key without a unique index is refused'
);
CREATE UNIQUE INDEX ON pgimport_test.codes (serial) WHERE serial <> '';
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{serial}')$$,
    'PI204', NULL, 'a partial unique index is no guard'
);
CREATE UNIQUE INDEX ON pgimport_test.codes (lower(batch_code));
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{batch_code}')$$,
    'PI204', NULL, 'nor one on an expression'
);
SELECT is(
    pgimport.register_target(
        'pgimport_test.codes', 'by serial', '{serial}', '{"create_key": true, "apply_ddl": false}'
    ) -> 'ddl' ->> 0,
    'CREATE UNIQUE INDEX ON pgimport_test.codes (serial);',
    'with apply_ddl false the statements are only returned'
);
SELECT is(
    pgimport._key_index('pgimport_test.codes', '{serial}'), NULL, 'and the index is not made'
);
SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'by serial', '{serial}',
        '{"create_key": true}')$$,
    'with create_key it is made'
);
SELECT isnt(
    pgimport._key_index('pgimport_test.codes', '{serial}'), NULL, 'and is there'
);

-- import_job_id
CREATE TABLE pgimport_test.wrong_column (code text PRIMARY KEY, import_job_id text);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.wrong_column', 'x', '{code}')$$,
    'PI208', NULL, 'an import_job_id that is no uuid is refused'
);
CREATE TABLE pgimport_test.indexed (code text PRIMARY KEY, import_job_id uuid);
CREATE INDEX ON pgimport_test.indexed (import_job_id, code);
SELECT is(
    pgimport.register_target('pgimport_test.indexed', 'indexed', '{code}') -> 'ddl', '[]'::jsonb,
    'an index that begins with import_job_id is enough'
);

-- partitioned tables
CREATE TABLE pgimport_test.parted (
    code text, region integer, PRIMARY KEY (code, region)
) PARTITION BY LIST (region);
CREATE TABLE pgimport_test.parted_1 PARTITION OF pgimport_test.parted FOR VALUES IN (1);
SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.parted', 'parted', '{code,region}')$$,
    'a partitioned table can be a target'
);
SELECT has_column(
    'pgimport_test', 'parted_1', 'import_job_id', 'and its partitions get the column'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.parted_1', 'x', '{code,region}')$$,
    'PI203', NULL, 'a single partition cannot be a target'
);

-- warnings
CREATE TABLE pgimport_test.uses (indexed_code text REFERENCES pgimport_test.indexed);
SELECT matches(
    pgimport.register_target('pgimport_test.indexed', 'indexed', '{code}')
    -> 'warnings' ->> 0,
    'CREATE INDEX ON pgimport_test.uses \(indexed_code\);',
    'a referencing column without an index is named, with the statement to make one'
);
CREATE INDEX ON pgimport_test.uses (indexed_code);
SELECT is(
    pgimport.register_target('pgimport_test.indexed', 'indexed', '{code}') -> 'warnings',
    '[]'::jsonb, 'with the index there is nothing to warn of'
);

SELECT * FROM finish();
ROLLBACK;
