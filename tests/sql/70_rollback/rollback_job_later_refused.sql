BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(3);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
SELECT pgimport_test.items_job('{"2,due,2,b@x","3,tre,3,c@x"}') AS first \gset
SELECT pgimport_test.items_job('{"2,zwei,2,b@x"}') AS second \gset

-- of the first job alone, not of the later one
UPDATE pgimport_test.item SET name = 'mine'
WHERE id = 3;
SELECT pgimport_test.items() AS before \gset

SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'first', p_options => '{"with_later_jobs": true}'), 'success',
        'code', 'job_id'
    ), format('success=false code=PI504 job_id=%s', :'first'),
    'a job that is refused itself is refused with its later jobs, too'
);
SELECT is(pgimport_test.items(), :'before', 'and what the later ones wrote is still there');
SELECT is(
    (
        SELECT string_agg(DISTINCT j.status, ',') FROM pgimport.job AS j
        WHERE j.job_id IN (:'first', :'second')
    ), 'completed', 'nor is any of them said to be rolled back'
);

SELECT * FROM finish();
ROLLBACK;
