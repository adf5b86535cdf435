BEGIN;
\ir ../setup.psql
SELECT plan(33);

SELECT pgimport_test.codes_target();

SELECT is(
    pgimport_test.pick(pgimport.claim_job('w'), 'success', 'job_id', 'fence', 'state'),
    'success=true job_id=null fence=null state=null', 'an empty queue gives no job'
);

-- the whole life of a staged job
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code}', pgimport_test.code_lines('A', 'B', 'A'));
SELECT pgimport.submit_job(:'job');
SELECT pgimport.claim_job('w 1', '2 minutes') AS claim \gset
SELECT is(
    pgimport_test.pick(:'claim', 'job_id', 'status', 'state', 'worker', 'fence', 'attempt'),
    format('job_id=%s status=queued state=running worker=w 1 fence=1 attempt=1', :'job'),
    'a worker claims the job that waits'
);
SELECT is(
    pgimport_test.pick(pgimport.claim_job('w 2'), 'job_id'), 'job_id=null',
    'another worker gets nothing'
);
SELECT
    throws_ok(
        format('SELECT pgimport.run_job(%L, %s)', :'job', f.fence), f.code, NULL,
        format('a run with claim %s is refused', f.fence)
    )
FROM (VALUES ('0', 'PI105'), ('2', 'PI105'), ('-1', 'PI105'), ('NULL', 'PI001')) AS f (fence, code);
SELECT throws_ok(
    format('SELECT pgimport.run_job(%L, 1)', gen_random_uuid()), 'PI105', NULL,
    'a job that was never submitted is not run'
);
SELECT throws_ok(
    'SELECT pgimport.run_job(NULL, 1)', 'PI001', NULL, 'no job is not run'
);
SELECT is(
    pgimport_test.pick(
        pgimport.run_job(:'job', 1), 'success', 'act', 'status', 'done', 'state', 'total_rows',
        'clean_count'
    ),
    'success=true act=check status=checked done=false state=running total_rows=3 clean_count=2',
    'the first step of a staged job is its check'
);
SELECT is(
    pgimport_test.pick(
        pgimport.run_job(:'job', 1), 'success', 'act', 'status', 'done', 'state', 'rows_inserted'
    ),
    'success=true act=insert status=completed done=true state=done rows_inserted=2',
    'the next is its insert, and the job leaves the queue'
);
SELECT throws_ok(
    format('SELECT pgimport.run_job(%L, 1)', :'job'), 'PI105', NULL,
    'a job that is done is not run again'
);
SELECT throws_ok(
    format('SELECT pgimport.heartbeat(%L, 1)', :'job'), 'PI105', NULL,
    'nor is its lease made longer'
);
SELECT is(
    (
        SELECT string_agg(concat_ws('>', e.event, e.to_status), ' ' ORDER BY e.event_id)
        FROM pgimport.job_events(:'job') AS e
        WHERE e.event IN ('submitted', 'claimed', 'released', 'dead') OR e.to_status IN (
                'queued', 'checked', 'completed'
            )
    ), 'status>queued submitted claimed status>checked status>completed', 'the log tells it all'
);

-- leases
SELECT pgimport_test.checked_job('{C}') AS next \gset
SELECT pgimport.submit_job(:'next');
SELECT
    throws_ok(
        format('SELECT pgimport.claim_job(%s)', a.arguments), a.code, NULL,
        format('claim_job(%s) is refused', a.arguments)
    )
FROM (
    VALUES
    ('NULL', 'PI001'), ('''  ''', 'PI001'), ('''w'', NULL', 'PI001'),
    ('''w'', ''0 seconds''', 'PI003'), ('''w'', ''-1 minute''', 'PI003'),
    ('''w'', ''100 years''', 'PI003')
) AS a (arguments, code);
SELECT pgimport.claim_job('w 1', '1 minute');
SELECT is(
    (
        SELECT
            (pgimport.heartbeat(:'next', 1, '1 hour') ->> 'lease_until')::timestamptz
            > clock_timestamp() + interval '59 minutes'
    ), true, 'a heartbeat makes the lease longer'
);
SELECT is(
    pgimport_test.pick(pgimport.heartbeat(:'next', 1), 'cancel'), 'cancel=false',
    'nobody asks that the step be cancelled'
);
SELECT is(
    pgimport._ask_worker(:'next', pg_backend_pid()), false,
    'a session that is no worker is not asked'
);
SELECT pg_advisory_xact_lock_shared(pgimport._wish_key(:'next'));
SELECT is(
    pgimport_test.pick(pgimport.heartbeat(:'next', 1), 'cancel'), 'cancel=true',
    'a heartbeat hears that the step is to be cancelled'
);
SELECT throws_ok(
    format('SELECT pgimport.heartbeat(%L, 1, ''2 days'')', :'next'), 'PI003', NULL,
    'but not as long as one likes'
);
SELECT throws_ok(
    format('SELECT pgimport.heartbeat(%L, 2)', :'next'), 'PI105', NULL,
    'only the one who holds the claim has a heartbeat'
);
-- the transaction of this test acts on the job: as if its statement still ran
UPDATE pgimport.job_queue SET lease_until = clock_timestamp() - interval '1 second'
WHERE job_id = :'next';
SELECT is(
    pgimport_test.pick(pgimport.claim_job('w 2'), 'job_id'), 'job_id=null',
    'a job on which a backend still acts is left to its worker'
);
SELECT lives_ok(
    format('SELECT pgimport.heartbeat(%L, 1)', :'next'),
    'a claim that nobody else took holds again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.run_job(:'next', 1), 'act', 'status', 'done', 'rows_inserted'
    ), 'act=insert status=completed done=true rows_inserted=1', 'what was checked is inserted'
);

-- in batches
SELECT pgimport_test.checked_job('{D1,D2,D3}') AS batched \gset
SELECT pgimport.submit_job(:'batched', '{"batch_rows": 2}');
SELECT pgimport.claim_job('w');
SELECT is(
    pgimport_test.pick(pgimport.run_job(:'batched', 1), 'status', 'done', 'rows_remaining'),
    'status=inserting done=false rows_remaining=1', 'a batch is a step'
);
SELECT is(
    pgimport_test.pick(pgimport.release_job(:'batched', 1), 'status', 'state', 'attempt'),
    'status=inserting state=waiting attempt=0',
    'a worker that stops gives the job back between batches; that is no attempt'
);
SELECT is(
    pgimport_test.pick(pgimport.run_next_job(), 'status', 'done', 'rows_inserted', 'fence'),
    'status=completed done=true rows_inserted=3 fence=2', 'and another goes on with it'
);
SELECT is(
    (
        SELECT string_agg(c.code, ' ' ORDER BY c.code) FROM pgimport_test.codes AS c
    ), 'A B C D1 D2 D3', 'every row was written once'
);

SELECT * FROM finish();
ROLLBACK;
