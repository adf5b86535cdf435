-- The window of a rollback in the database itself: whoever updates the row of a job directly, its
-- owner, the owner of the table or a superuser, gets no further than rollback_job.
BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

-- a direct UPDATE of one job
CREATE FUNCTION pgimport_test.direct(p_job_id uuid, p_set text)
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN format('UPDATE pgimport.job SET %s WHERE job_id = %L', p_set, p_job_id);

-- inside the window
SELECT pgimport_test.completed_job('{A}') AS open \gset
SELECT lives_ok(
    pgimport_test.direct(:'open', 'rollback_until = rollback_until - interval ''1 day'''),
    'a window may be made shorter'
);
SELECT
    throws_ok(pgimport_test.direct(:'open', w.assignment), 'PI104', NULL, w.sentence)
FROM (
    VALUES
    ('rollback_until = rollback_until + interval ''1 second''', 'but not longer'),
    ('rollback_until = ''infinity''', 'nor endless'),
    ('rollback_until = NULL', 'nor taken away'),
    (
        'status = ''rolled_back'', rollback_until = rollback_until + interval ''1 second''',
        'not even by the UPDATE that ends it'
    )
) AS w (assignment, sentence);
SELECT lives_ok(
    pgimport_test.direct(:'open', 'partial_rollbacks = partial_rollbacks + 1'),
    'inside the window a rollback of a part is recorded'
);
SELECT lives_ok(
    pgimport_test.direct(:'open', 'status = ''rolled_back'''), 'and one of the whole'
);

-- the window is over
SELECT pgimport_test.completed_job('{B}') AS over \gset
UPDATE pgimport.job SET rollback_until = statement_timestamp() - interval '1 second'
WHERE job_id = :'over';
SELECT throws_ok(
    pgimport_test.direct(:'over', 'status = ''rolled_back'''), 'PI502', NULL,
    'after the window a job does not become rolled back by an UPDATE'
);
SELECT throws_ok(
    pgimport_test.direct(
        :'over',
        'status = ''rolled_back'', rollback_until = rollback_until - interval ''1 year'''
    ),
    'PI502', NULL, 'also not by one that moves the window back'
);
SELECT throws_ok(
    pgimport_test.direct(:'over', 'partial_rollbacks = 1'), 'PI502', NULL,
    'nor rolled back in part'
);
SELECT throws_ok(
    pgimport_test.direct(:'over', 'rollback_until = now() + interval ''1 hour'''), 'PI104', NULL,
    'a window that is over is not opened again'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, ''force'')', :'over'), 'PI502', NULL,
    'rollback_job says the same'
);
SELECT lives_ok(
    pgimport_test.direct(:'over', 'actor = ''bob'''), 'what else is known of the job may change'
);

-- closed on purpose
SELECT pgimport_test.completed_job('{C}') AS closed \gset
SELECT pgimport.disable_rollback(:'closed', 'booked');
SELECT throws_ok(
    pgimport_test.direct(:'closed', 'status = ''rolled_back'''), 'PI503', NULL,
    'a job whose rollback was closed does not become rolled back by an UPDATE'
);
SELECT throws_ok(
    pgimport_test.direct(:'closed', 'partial_rollbacks = 1'), 'PI503', NULL, 'nor in part'
);
SELECT
    throws_ok(pgimport_test.direct(:'closed', w.assignment), 'PI104', NULL, w.sentence)
FROM (
    VALUES
    ('rollback_disabled_at = NULL', 'its rollback is not opened again'),
    (
        'rollback_disabled_at = NULL, status = ''rolled_back''',
        'not even by the UPDATE that ends it'
    ),
    ('rollback_disabled_at = rollback_disabled_at + interval ''1 day''', 'nor dated otherwise')
) AS w (assignment, sentence);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'closed'), 'eligible', 'reasons.0.code', 'status'
    ),
    'eligible=false reasons.0.code=PI503 status=completed', 'and the job is what it was'
);

-- the window of the next insert of the same job
SELECT pgimport_test.completed_job('{D}') AS again \gset
SELECT j.rollback_until AS first_until FROM pgimport.job AS j
WHERE j.job_id = :'again'
\gset
SELECT pgimport.rollback_job(:'again');
SELECT lives_ok(
    format(
        'UPDATE pgimport.job SET status = s FROM unnest(''{staged}''::text[]) AS u (s) '
        'WHERE job_id = %L', :'again'
    ), 'a job that was rolled back goes on'
);
SELECT pgimport.check_job(:'again');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'again'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'and is inserted again'
);
SELECT cmp_ok(
    (
        SELECT j.rollback_until FROM pgimport.job AS j
        WHERE j.job_id = :'again'
    ), '>', :'first_until'::timestamptz, 'which opens a window of its own'
);

SELECT * FROM finish();
ROLLBACK;
