BEGIN;
\ir ../setup.psql
SELECT plan(9);

-- what a new job keeps of the way with duplicates
CREATE FUNCTION pgimport_test.way(p_target text, p_options jsonb DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, p_target);
BEGIN
    RETURN (SELECT j.options ->> 'on_duplicate' FROM pgimport.job AS j WHERE j.job_id = v_job_id);
END;
$$;
CREATE TABLE pgimport_test.visits (person text, day date, import_job_id uuid);

SELECT pgimport_test.codes_target();
SELECT is(pgimport_test.way('codes'), 'skip', 'without a word duplicates are skipped');
SELECT is(
    pgimport_test.way('codes', '{"on_duplicate": "error"}'), 'error', 'a job may say otherwise'
);

SELECT pgimport.register_target(
    'pgimport_test.codes', 'codes', '{code,merchant_id}', '{"on_duplicate": "update"}'
);
SELECT is(pgimport_test.way('codes'), 'update', 'a target has a default for its jobs');
SELECT is(
    pgimport_test.way('codes', '{"on_duplicate": "skip"}'), 'skip',
    'the job''s own word comes first'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.codes_target();
SELECT is(
    (
        SELECT j.options ->> 'on_duplicate' FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ),
    'update', 'a job keeps its way when the default changes'
);

-- create needs a key without an index, every other way one with it
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"on_duplicate": "create"}')$$, 'PI212',
    'target "codes" cannot take rows of one key twice: unique index '
    '"pgimport_test.codes_code_merchant_id_key" is on (code, merchant_id)',
    'rows of one key cannot be created twice where a unique index is on the key'
);
SELECT pgimport.register_target(
    'pgimport_test.visits', 'visits', '{person,day}', '{"on_duplicate": "create"}'
);
SELECT is(pgimport_test.way('visits'), 'create', 'where there is none, all rows can be created');
SELECT throws_ok(
    $$SELECT pgimport.create_job('visits', '{"on_duplicate": "skip"}')$$, 'PI204', NULL,
    'and nothing else, as nothing would keep doubles out'
);
CREATE UNIQUE INDEX ON pgimport_test.visits (person, day);
SELECT is(
    pgimport_test.way('visits', '{"on_duplicate": "error"}'), 'error',
    'until there is an index'
);

SELECT * FROM finish();
ROLLBACK;
