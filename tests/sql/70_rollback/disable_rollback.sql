BEGIN;
\ir ../setup.psql
SELECT plan(18);

SELECT pgimport_test.codes_target();
SELECT throws_ok('SELECT pgimport.disable_rollback(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.disable_rollback('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);
SELECT throws_ok(
    format('SELECT pgimport.disable_rollback(%L)', pgimport_test.checked_job('{Z}')),
    'PI102', NULL, 'and be completed'
);

SELECT pgimport_test.completed_job('{A}') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.disable_rollback(:'job', 'booked'), 'success', 'status', 'disabled'
    ),
    format('success=true status=completed disabled=["%s"]', :'job'),
    'disable_rollback names the job whose rollback it closed'
);
SELECT is(
    (
        SELECT
            format(
                '%s %s %s', j.rollback_disabled_at IS NOT NULL,
                j.rollback_disabled_by = current_user, j.rollback_disabled_reason
            )
        FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 't t booked', 'who, when and why are recorded'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'rollback_disabled'
    ), 1, 'in the history, too'
);
SELECT is(
    pgimport_test.pick(pgimport.disable_rollback(:'job', 'again'), 'success'), 'success=true',
    'a second call is harmless'
);
SELECT is(
    (
        SELECT j.rollback_disabled_reason FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'booked',
    'and keeps the first reason'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'rollback_disabled'
    ), 1, 'and the history'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=1', 'the rows stay where they are'
);

-- all jobs past their window
SELECT pgimport_test.completed_job('{B}') AS fresh \gset
SELECT pgimport_test.completed_job('{C}') AS over \gset
SELECT pgimport_test.completed_job('{D}') AS rolled \gset
SELECT pgimport.rollback_job(:'rolled');
UPDATE pgimport.job SET rollback_until = now() - interval '1 minute'
WHERE job_id IN (:'over', :'rolled', :'job');
SELECT pgimport.disable_old_rollbacks() AS answer \gset
SELECT is(
    :'answer'::jsonb -> 'disabled', jsonb_build_array(:'over'),
    'disable_old_rollbacks closes completed jobs past their window and no other'
);
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'message'),
    'success=true message=the rollback of 1 job was closed', 'and says how many'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'counts', 'details', 'disabled', 'job_id', 'message', 'status', 'success', 'target',
        'warnings'
    ],
    'it answers with the documented keys and no other'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'over'), 'PI503', NULL,
    'such a job cannot be rolled back any more'
);
SELECT is(
    pgimport.disable_old_rollbacks() -> 'disabled', '[]'::jsonb, 'a second call finds nothing'
);

-- all jobs older than an interval
SELECT is(
    pgimport.disable_old_rollbacks(interval '1 hour') -> 'disabled', '[]'::jsonb,
    'a job that was completed after the interval keeps its rollback'
);
SELECT is(
    pgimport.disable_old_rollbacks(interval '0') -> 'disabled', jsonb_build_array(:'fresh'),
    'an older one loses it, also before its window is over'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'fresh'), 'eligible', 'reasons.0.code'),
    'eligible=false reasons.0.code=PI503', 'as its plan says'
);

SELECT * FROM finish();
ROLLBACK;
