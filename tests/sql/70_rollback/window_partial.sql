-- The window of a job that was rolled back in part: what is left of it is closed like any job.
BEGIN;
\ir ../setup.psql
SELECT plan(13);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.completed_job('{A,B,C}') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', p_options => '{"filter": {"code": "A"}}'), 'success',
        'status', 'partial', 'rows_deleted'
    ), 'success=true status=completed partial=true rows_deleted=1',
    'a part is rolled back inside the window'
);
SELECT is(
    pgimport_test.pick(pgimport.disable_rollback(:'job', 'booked'), 'success', 'status'),
    'success=true status=completed', 'the rollback of the rest may be closed'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.rollback_job(%L, p_options => ''{"filter": {"code": "B"}}'')', :'job'
    ), 'PI503', NULL, 'then no other part is rolled back'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, ''force'')', :'job'), 'PI503', NULL, 'nor the rest'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job'), 'rollback.disabled_reason', 'rollback.partial_rollbacks',
        'counts.rows_deleted'
    ),
    'rollback.disabled_reason=booked rollback.partial_rollbacks=1 counts.rows_deleted=1',
    'the job says both'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=2 actual_count=2', 'and its rows are what is left'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'job'), 'success', 'redone', 'rows_inserted'),
    'success=true redone=0 rows_inserted=3', 'a job rolled back in part is not redone'
);

-- jobs past their window
SELECT pgimport_test.completed_job('{D,E}') AS over \gset
SELECT pgimport.rollback_job(:'over', p_options => '{"filter": {"code": "D"}}');
SELECT pgimport_test.completed_job('{F,G}') AS whole \gset
SELECT pgimport.rollback_job(:'whole', p_options => '{"filter": {"code": "F"}}');
SELECT pgimport.rollback_job(:'whole');
UPDATE pgimport.job SET rollback_until = now() - interval '1 minute'
WHERE job_id IN (:'over', :'whole');
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'over'), 'PI502', NULL,
    'after the window the rest of a job stays'
);
SELECT is(
    pgimport.disable_old_rollbacks() -> 'disabled', jsonb_build_array(:'over'),
    'disable_old_rollbacks closes a job rolled back in part, not one of which nothing is left'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'over'), 'eligible', 'reasons.0.code', 'delete'
    ), 'eligible=false reasons.0.code=PI503 delete=1', 'the plan says what is left and why it stays'
);

-- a redo begins with nothing rolled back
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'whole'), 'success', 'rows_inserted', 'counts.rows_deleted'
    ), 'success=true rows_inserted=2 counts.rows_deleted=null',
    'a job rolled back part by part is redone as a whole'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'whole'), 'rollback.partial_rollbacks', 'rollback.redone'
    ), 'rollback.partial_rollbacks=0 rollback.redone=1', 'with no part rolled back'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'whole'), 'eligible', 'delete', 'already_gone'
    ), 'eligible=true delete=2 already_gone=0', 'in a window of its own'
);

SELECT * FROM finish();
ROLLBACK;
