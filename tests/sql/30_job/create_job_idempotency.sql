BEGIN;
\ir ../setup.psql
SELECT plan(9);
SELECT pgimport_test.codes_target();
SELECT pgimport.register_target('pgimport_test.codes', 'codes again', '{code,merchant_id}');

SELECT pgimport.create_job('codes', '{"idempotency_key": "order 1"}') AS first \gset
SELECT pgimport.create_job('codes', '{"idempotency_key": "order 1"}') AS second \gset
SELECT is(
    :'second'::jsonb -> 'job_id', :'first'::jsonb -> 'job_id',
    'the same key twice names the same job'
);
SELECT is(
    pgimport_test.pick(:'second'::jsonb, 'success', 'existing'), 'success=true existing=true',
    'and the answer says that it is there already'
);
SELECT is(
    jsonb_array_length(:'second'::jsonb -> 'warnings'), 1, 'with a warning'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.job AS j
        INNER JOIN pgimport.target AS t ON j.target_id = t.target_id
        WHERE t.schema_name = 'pgimport_test'
    ),
    1::bigint, 'no second job was made'
);
SELECT is(
    (
        SELECT count(*)
        FROM pgimport.job_events((:'first'::jsonb ->> 'job_id')::uuid)
    ),
    1::bigint, 'nor a second creation logged'
);
SELECT isnt(
    pgimport.create_job('codes', '{"idempotency_key": "order 2"}') -> 'job_id',
    :'first'::jsonb -> 'job_id', 'another key makes another job'
);
SELECT isnt(
    pgimport.create_job('codes again', '{"idempotency_key": "order 1"}') -> 'job_id',
    :'first'::jsonb -> 'job_id', 'so does the same key on another target'
);
SELECT pgimport.cancel_job((:'first'::jsonb ->> 'job_id')::uuid);
SELECT is(
    pgimport.create_job('codes', '{"idempotency_key": "order 1"}') ->> 'existing', 'false',
    'the key of a cancelled job is free again'
);

-- a completed job keeps its key until it is rolled back
SELECT pgimport_test.completed_job('{A}', '{"idempotency_key": "order 3"}') AS job \gset
SELECT pgimport.create_job('codes', '{"idempotency_key": "order 3"}') ->> 'job_id' AS same \gset
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT is(
    ARRAY[
        :'same',
        pgimport.create_job('codes', '{"idempotency_key": "order 3"}') ->> 'existing'
    ],
    ARRAY[:'job', 'false'],
    'a completed job holds its key, a rolled back one does not'
);

SELECT * FROM finish();
ROLLBACK;
