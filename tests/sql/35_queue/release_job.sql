BEGIN;
\ir ../setup.psql
SELECT plan(33);

SELECT pgimport_test.codes_target();

-- what is tried again
SELECT
    is(
        pgimport._is_temporary(s.code), s.temporary,
        format('SQLSTATE %s is temporary: %s', s.code, s.temporary)
    )
FROM (
    VALUES
    ('08006', true), ('53100', true), ('57P01', true), ('40001', true), ('40P01', true),
    ('55P03', true), ('57014', true), ('58030', true), ('PI605', true),
    ('23505', false), ('P0001', false), ('42501', false), ('PI402', false), (NULL, false)
) AS s (code, temporary);

-- the wait doubles, give or take a fifth, up to ten minutes
SELECT is(
    (
        SELECT count(*)::integer
        FROM generate_series(1, 40) AS n (attempt), generate_series(1, 20) AS again (number)
        CROSS JOIN
            LATERAL (
                SELECT extract(EPOCH FROM pgimport._retry_delay(n.attempt)) AS seconds
            ) AS w
        WHERE w.seconds NOT BETWEEN least(10 * 2 ^ least(n.attempt - 1, 20) * 0.8, 600)
            AND least(10 * 2 ^ least(n.attempt - 1, 20) * 1.2, 600)
    ), 0, 'the wait doubles with each attempt, to ten minutes at most'
);

-- a job that fails for now until its attempts are used up
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport.submit_job(:'job', '{"max_attempts": 2}');
SELECT pgimport.claim_job('w');
SELECT
    throws_ok(
        format('SELECT pgimport.release_job(%L, 1, %L)', :'job', s.code), 'PI003', NULL,
        format('%L is no SQLSTATE', s.code)
    )
FROM (VALUES (''), ('lock'), ('55p03'), ('55P0300'), ('; DROP')) AS s (code);
SELECT throws_ok(
    format('SELECT pgimport.release_job(%L, 7, ''55P03'')', :'job'), 'PI105', NULL,
    'only the one who has a job gives it back'
);
SELECT is(
    pgimport_test.pick(
        pgimport.release_job(:'job', 1, '55P03', 'lock timeout'), 'success', 'status', 'state',
        'attempt'
    ), 'success=true status=queued state=waiting attempt=1', 'the first time it waits again'
);
SELECT is(
    pgimport_test.pick(pgimport.claim_job('w'), 'job_id'), 'job_id=null', 'for a while'
);
UPDATE pgimport.job_queue SET run_after = clock_timestamp()
WHERE job_id = :'job';
SELECT is(
    pgimport_test.pick(pgimport.claim_job('w'), 'fence', 'attempt'), 'fence=2 attempt=2',
    'then it is claimed again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.release_job(:'job', 2, '40P01', 'deadlock detected'), 'status', 'state', 'attempt'
    ), 'status=failed state=dead attempt=2', 'the last time it is dead'
);
SELECT is(
    (
        SELECT format('%s %s', j.error_sqlstate, j.error_message) FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), '40P01 deadlock detected', 'and failed, with the reason'
);
SELECT is(
    (
        SELECT
            string_agg(
                concat_ws(' ', e.event, e.details ->> 'sqlstate'), ', ' ORDER BY e.event_id
            )
        FROM pgimport.job_events(:'job') AS e
        WHERE e.event IN ('released', 'dead')
    ), 'released 55P03, dead 40P01', 'the log tells each attempt'
);
SELECT is(
    pgimport_test.pick(pgimport.submit_job(:'job'), 'status', 'state', 'attempt', 'fence'),
    'status=queued state=waiting attempt=0 fence=2',
    'once the cause is mended it is submitted again, and old claims stay old'
);

-- errors that the insert itself catches
CREATE FUNCTION pgimport_test.raises()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'today not' USING ERRCODE = current_setting('pgimport_test.code');
END;
$$;
CREATE TRIGGER raises BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.raises();
SELECT pgimport.claim_job('w');
SELECT pgimport.run_job(:'job', 3);
SELECT set_config('pgimport_test.code', '55P03', true);
SELECT is(
    pgimport_test.pick(
        pgimport.run_job(:'job', 3), 'success', 'code', 'details.sqlstate', 'status', 'state',
        'done', 'act'
    ),
    'success=false code=PI404 details.sqlstate=55P03 status=queued state=waiting done=true '
    'act=insert', 'a lock timeout within the insert is tried again'
);
UPDATE pgimport.job_queue SET run_after = clock_timestamp()
WHERE job_id = :'job';
SELECT set_config('pgimport_test.code', 'P0777', true);
SELECT is(
    pgimport_test.pick(
        pgimport.run_next_job(), 'success', 'code', 'details.sqlstate', 'status', 'state', 'done'
    ),
    'success=false code=PI404 details.sqlstate=P0777 status=failed state=dead done=true',
    'a refusal of the table is for good, at the first time'
);
DROP TRIGGER raises ON pgimport_test.codes;

-- a worker that vanished
SELECT pgimport.submit_job(:'job', '{"max_attempts": 1}');
SELECT pgimport.claim_job('gone');
SELECT is(pgimport._expire_leases(), 0, 'a lease that is not over is left alone');
SELECT is(
    pgimport_test.pick(
        pgimport.release_job(:'job', 5, 'PI605', 'as many as are allowed'), 'state', 'attempt'
    ), 'state=waiting attempt=0', 'a job that a limit holds back waits; that is no attempt'
);
SELECT is(
    (
        SELECT q.run_after > clock_timestamp() + interval '7 seconds'
        FROM pgimport.job_queue AS q
        WHERE q.job_id = :'job' AND q.state = 'waiting'
    ), true, 'but not at once'
);

SELECT * FROM finish();
ROLLBACK;
