BEGIN;
\ir ../setup.psql
SELECT plan(28);

SELECT pgimport_test.codes_target();

-- what may be submitted
SELECT throws_ok(
    'SELECT pgimport.submit_job(NULL)', 'PI001', NULL, 'no job cannot be submitted'
);
SELECT throws_ok(
    format('SELECT pgimport.submit_job(%L)', gen_random_uuid()), 'PI101', NULL,
    'a job that does not exist cannot be submitted'
);
SELECT pgimport_test.new_job() AS empty \gset
SELECT throws_ok(
    format('SELECT pgimport.submit_job(%L)', :'empty'), 'PI102', NULL,
    'a job without files cannot be submitted'
);
SELECT pgimport_test.stage(:'empty', '{merchant_id,code}', pgimport_test.code_lines('S'));
SELECT is(
    pgimport_test.pick(
        pgimport.submit_job(:'empty'), 'success', 'status', 'state', 'existing', 'attempt',
        'max_attempts'
    ),
    'success=true status=queued state=waiting existing=false attempt=0 max_attempts=5',
    'a staged job is submitted'
);
SELECT is(
    (
        SELECT q.is_checked FROM pgimport.job_queue AS q
        WHERE q.job_id = :'empty'
    ), false, 'it is still to be checked'
);
SELECT is(
    pgimport_test.pick(pgimport.submit_job(:'empty'), 'success', 'status', 'state', 'existing'),
    'success=true status=queued state=waiting existing=true', 'the same call again changes nothing'
);
SELECT is(
    pgimport_test.pick(pgimport.submit_job(:'empty', 'null'), 'existing'), 'existing=true',
    'options that are null are no options'
);
SELECT throws_ok(
    format('SELECT pgimport.submit_job(%L, ''{"priority": 1}'')', :'empty'), 'PI107', NULL,
    'a job in the queue is not given other options'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'empty'), 'PI102', NULL,
    'a job in the queue is not checked by hand'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'empty'), 'PI102', NULL,
    'nor inserted'
);
SELECT pgimport_test.completed_job('{DONE}') AS completed \gset
SELECT throws_ok(
    format('SELECT pgimport.submit_job(%L)', :'completed'), 'PI102', NULL,
    'a completed job cannot be submitted'
);

-- options
SELECT
    throws_ok(
        format('SELECT pgimport.submit_job(%L, %L)', :'empty', o.options), o.code, NULL,
        format('options %s are refused', o.options)
    )
FROM (
    VALUES
    ('[]', 'PI003'), ('{"prio": 1}', 'PI002'), ('{"allow_superuser": true}', 'PI002'),
    ('{"priority": 1000}', 'PI003'), ('{"priority": "1"}', 'PI003'),
    ('{"batch_rows": 0}', 'PI003'), ('{"batch_rows": 1.5}', 'PI003'),
    ('{"batch_rows": null}', 'PI003'), ('{"max_attempts": 0}', 'PI003'),
    ('{"max_attempts": 101}', 'PI003'), ('{"run_after": "soon"}', 'PI003'),
    ('{"run_after": 1}', 'PI003')
) AS o (options, code);

-- what a checked job and a failed one bring with them
SELECT pgimport_test.checked_job('{A,B}') AS checked \gset
SELECT pgimport.submit_job(
    :'checked',
    '{"batch_rows": 1, "priority": -5, "max_attempts": 2, "run_after": "2100-01-01 00:00+00"}'
) AS answer \gset
SELECT is(
    (
        SELECT
            format(
                '%s %s %s %s %s', q.state, q.is_checked, q.priority, q.max_attempts,
                q.run_after = '2100-01-01 00:00+00'
            )
        FROM pgimport.job_queue AS q
        WHERE q.job_id = :'checked'
    ), 'waiting t -5 2 t', 'what is checked is not checked again; options are kept'
);
SELECT is(
    (
        SELECT string_agg(e.event, ' ' ORDER BY e.event_id)
        FROM pgimport.job_events(:'checked') AS e
        WHERE e.to_status IS NULL AND e.event = 'submitted'
    ), 'submitted', 'the log says that it was submitted'
);
-- a cancelled job leaves the queue
SELECT is(
    (
        SELECT t.tgenabled::text FROM pg_catalog.pg_trigger AS t
        WHERE t.tgname = 'close_queue'
    ), 'A', 'jobs leave the queue under session_replication_role = replica, too'
);
SELECT pgimport.cancel_job(:'checked', 'not wanted');
SELECT is(
    (
        SELECT format('%s %s', q.state, q.finished_at IS NOT NULL) FROM pgimport.job_queue AS q
        WHERE q.job_id = :'checked'
    ), 'cancelled t', 'a job that is cancelled leaves the queue'
);
SELECT throws_ok(
    format('SELECT pgimport.submit_job(%L)', :'checked'), 'PI102', NULL,
    'and does not come back'
);

SELECT * FROM finish();
ROLLBACK;
