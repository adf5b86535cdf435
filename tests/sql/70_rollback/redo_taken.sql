-- What another job has taken since the rollback is not imported twice by a redo; what a rollback or
-- a cancellation gives up is free at once.
BEGIN;
\ir ../setup.psql
SELECT plan(17);
SELECT pgimport_test.codes_target();

-- a job with one file of these bytes, inserted
CREATE FUNCTION pgimport_test.imported(
    p_sha text,
    p_codes text[],
    p_options jsonb DEFAULT '{}',
    p_file jsonb DEFAULT '{}'
)
RETURNS uuid
LANGUAGE plpgsql
AS $imported$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options);
BEGIN
    PERFORM pgimport_test.stage(
        v_job_id, '{merchant_id,code,sku}', pgimport_test.code_lines(VARIADIC p_codes),
        jsonb_build_object('sha256', repeat(p_sha, 64)) || p_file
    );
    PERFORM pgimport.check_job(v_job_id);
    PERFORM pgimport.insert_job(v_job_id);
    RETURN v_job_id;
END;
$imported$;

-- the bytes of a file
SELECT pgimport_test.imported('a', '{A}') AS job \gset
SELECT throws_ok(
    $$SELECT pgimport_test.imported('a', '{A}')$$, 'PI304', NULL,
    'the bytes of a living job are taken'
);
SELECT pgimport.rollback_job(:'job');
SELECT pgimport_test.imported('a', '{A}') AS second \gset
SELECT is(
    pgimport.get_job(:'second') ->> 'status', 'completed', 'a rollback frees them at once'
);
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'job'), 'PI304', NULL,
    'a job whose bytes another one has imported since is not redone'
);
SELECT is(
    pgimport.get_job(:'job') ->> 'status', 'rolled_back', 'and stays rolled back'
);
SELECT pgimport.rollback_job(:'second');
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'job'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'once that one is rolled back it is'
);
SELECT throws_ok(
    $$SELECT pgimport_test.imported('a', '{A}')$$, 'PI304', NULL,
    'its bytes are its own again'
);
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'second'), 'PI304', NULL,
    'of two jobs with the same bytes only one is redone'
);

-- bytes that were in two jobs on purpose
SELECT pgimport_test.imported('f', '{F1}') AS first \gset
SELECT pgimport_test.imported('f', '{F2}', '{}', '{"force": true}') AS forced \gset
SELECT pgimport.rollback_job(:'first');
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'first'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'what was in both jobs before the rollback is in both again'
);

-- other tenants and targets have bytes of their own
SELECT pgimport_test.imported('e', '{T}', '{"tenant": "x"}') AS tenant \gset
SELECT pgimport.rollback_job(:'tenant');
SELECT pgimport_test.imported('e', '{U}', '{"tenant": "y"}') AS other \gset
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'tenant'), 'success'), 'success=true',
    'the same bytes of another tenant are no obstacle'
);

-- a client's own key
SELECT pgimport_test.completed_job('{K}', '{"idempotency_key": "key"}') AS keyed \gset
SELECT pgimport.rollback_job(:'keyed');
SELECT pgimport.create_job('codes', '{"idempotency_key": "key"}') AS taken \gset
SELECT is(
    pgimport_test.pick(:'taken', 'success', 'existing'), 'success=true existing=false',
    'a rollback frees the client''s key at once'
);
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'keyed'), 'PI304', NULL,
    'a job whose key a living job has taken is not redone'
);
SELECT pgimport.cancel_job((:'taken'::jsonb ->> 'job_id')::uuid);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'keyed'), 'success', 'status', 'redone'),
    'success=true status=completed redone=1', 'a cancellation frees it at once'
);
SELECT is(
    pgimport_test.pick(pgimport.create_job('codes', '{"idempotency_key": "key"}'), 'existing'),
    'existing=true', 'and the redone job has it'
);

-- cancelled jobs
SELECT pgimport_test.new_job() AS given_up \gset
SELECT pgimport_test.stage(
    :'given_up', '{merchant_id,code,sku}', pgimport_test.code_lines('C'),
    jsonb_build_object('sha256', repeat('c', 64))
);
SELECT pgimport.cancel_job(:'given_up');
SELECT isnt(
    pgimport_test.imported('c', '{C}'), NULL, 'the bytes of a cancelled job are free at once'
);

-- the content
SELECT pgimport_test.completed_job('{H1,H2}') AS content \gset
SELECT pgimport.rollback_job(:'content');
SELECT pgimport_test.checked_job('{H2,H1}') AS same \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'same'), 'success', 'rows_inserted', 'warnings'),
    'success=true rows_inserted=2 warnings=[]', 'a rollback frees the content of a job at once'
);
SELECT pgimport.rollback_job(:'same');
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'content'), 'success', 'rows_inserted', 'warnings'),
    'success=true rows_inserted=2 warnings=[]', 'also for the job that had it first'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'invariant', ',')
        FROM jsonb_array_elements(pgimport.verify_install() -> 'checks') AS c
        WHERE NOT (c ->> 'ok')::boolean
    ), NULL, 'all counts of all jobs agree'
);

SELECT * FROM finish();
ROLLBACK;
