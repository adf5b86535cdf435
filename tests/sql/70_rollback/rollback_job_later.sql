BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(17);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
INSERT INTO pgimport_test.item (id, name, price, email) VALUES (1, 'one', 1, 'a@x');
SELECT pgimport_test.items() AS before \gset
SELECT pgimport_test.items_job('{"1,uno,1,a@x","2,due,2,b@x","3,tre,3,c@x"}') AS first \gset
SELECT pgimport_test.items() AS after_first \gset
SELECT pgimport_test.items_job('{"1,ein,1,a@x","2,zwei,2,b@x","4,vier,4,d@x"}') AS second \gset
SELECT pgimport_test.items_job('{"2,deux,2,b@x","4,quatre,4,d@x"}') AS third \gset
SELECT pgimport_test.items() AS after_third \gset

CREATE FUNCTION pgimport_test.later(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $later$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(concat_ws(' ', l ->> 'job_id', l ->> 'rows', l ->> 'why'), '; '),
            'none')
        FROM jsonb_array_elements(pgimport.plan_rollback(p_job_id) -> 'later_jobs') AS l
    );
END;
$later$;

SELECT is(
    pgimport_test.later(:'first'), format('%s 1 updated; %s 2 updated', :'third', :'second'),
    'a plan names the later jobs that updated its rows, newest first'
);
SELECT is(pgimport_test.later(:'third'), 'none', 'the last job has none');
SELECT is(
    pgimport.plan_rollback(:'first') #> '{details,later_order}',
    jsonb_build_array(:'third', :'second'), 'and the order in which they are to be rolled back'
);
SELECT pgimport.rollback_job(:'first') AS refused \gset
SELECT is(
    pgimport_test.pick(:'refused', 'success', 'code'), 'success=false code=PI504',
    'they stop a rollback'
);
SELECT matches(:'refused'::jsonb ->> 'hint', 'with_later_jobs', 'which offers to take them along');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'first', 'keep_modified'), 'success', 'code'),
    'success=false code=PI504', 'also when modified rows are to be kept'
);
SELECT is(pgimport_test.items(), :'after_third', 'nothing has changed');

-- a later one that cannot be rolled back
UPDATE pgimport_test.item SET name = 'mine'
WHERE id = 4;
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'first', p_options => '{"with_later_jobs": true}'), 'success',
        'code', 'job_id'
    ), format('success=false code=PI504 job_id=%s', :'first'),
    'where one of the later jobs is refused none is rolled back'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job AS j
        WHERE j.job_id IN (:'first', :'second', :'third') AND j.status = 'completed'
    ), 3, 'and all of them are what they were'
);
UPDATE pgimport_test.item SET name = 'quatre'
WHERE id = 4;

-- one after the other
SELECT 'SAVEPOINT together' AS statement \gexec
SELECT pgimport.rollback_job(:'third');
SELECT pgimport.rollback_job(:'second');
SELECT is(pgimport_test.items(), :'after_first', 'newest first, each gives back what it found');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'first'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=2 rows_restored=1', 'until the first one is free'
);
SELECT is(pgimport_test.items(), :'before', 'and the table as it was');
SELECT 'ROLLBACK TO SAVEPOINT together' AS statement \gexec

-- all together
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'first', p_options => '{"with_later_jobs": true}'), 'success',
        'rows_deleted', 'rows_restored', 'later_jobs'
    ),
    format(
        'success=true rows_deleted=2 rows_restored=1 later_jobs=["%s", "%s"]', :'third', :'second'
    ), 'with_later_jobs does the same in one act'
);
SELECT is(pgimport_test.items(), :'before', 'with the same result');
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job AS j
        WHERE j.job_id IN (:'first', :'second', :'third') AND j.status = 'rolled_back'
    ), 3, 'and all three rolled back'
);

-- force goes over them
SELECT pgimport_test.items_job('{"7,sept,7,g@x"}') AS under \gset
SELECT pgimport_test.items_job('{"7,sieben,7,g@x"}') AS over \gset
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'under', 'force'), 'success', 'rows_deleted'),
    'success=true rows_deleted=1', 'force goes over later jobs'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'over'), 'restore', 'already_gone'),
    'restore=0 already_gone=1', 'for which the row is gone then'
);

SELECT * FROM finish();
ROLLBACK;
