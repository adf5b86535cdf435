BEGIN;
\ir ../setup.psql
SELECT plan(8);

-- nulls are equal, and so are 1 and 1.0
CREATE TABLE pgimport_test.same (
    k numeric, part text, v text, UNIQUE NULLS NOT DISTINCT (k, part)
);
SELECT pgimport.register_target('pgimport_test.same', 'same', '{k,part}', '{}');
INSERT INTO pgimport_test.same (k, part, v) VALUES (1, NULL, 'old'), (2, 'x', 'old');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'same') AS first \gset
SELECT pgimport_test.stage(:'first', '{k,part,v}', '{"1,,new","2,x,new","3,,new"}');
SELECT pgimport.check_job(:'first');
SELECT pgimport.insert_job(:'first');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'same') AS second \gset
SELECT pgimport_test.stage(:'second', '{k,part,v}', '{"1,,newer"}');
SELECT pgimport.check_job(:'second');
SELECT pgimport.insert_job(:'second');
UPDATE pgimport_test.same SET k = 1.0
WHERE k = 1;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'second'), 'restore', 'modified', 'already_gone'),
    'restore=1 modified=0 already_gone=0',
    'a key with a null that is spelled otherwise by now is the same key'
);
SELECT is(
    pgimport.plan_rollback(:'first') #>> '{later_jobs,0,job_id}', :'second',
    'also where a later job is looked for'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'second'), 'success', 'rows_restored'),
    'success=true rows_restored=1', 'its row gets its value back'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'first'), 'success', 'rows_deleted', 'rows_restored'
    ), 'success=true rows_deleted=1 rows_restored=2', 'from every job'
);
SELECT results_eq(
    'SELECT s.k::text, s.part, s.v FROM pgimport_test.same AS s ORDER BY s.k',
    $$VALUES ('1.0', NULL, 'old'), ('2', 'x', 'old')$$, 'and is as people spelled it'
);

-- nulls are not equal: rows that are the same in every column
CREATE TABLE pgimport_test.other (k text UNIQUE, v text);
SELECT pgimport.register_target('pgimport_test.other', 'other', '{k}', '{}');
SELECT pgimport_test.new_job('{}', 'other') AS twins \gset
SELECT pgimport_test.stage(:'twins', '{k,v}', '{",x",",x","a,y"}');
SELECT pgimport.check_job(:'twins');
SELECT pgimport.insert_job(:'twins');
UPDATE pgimport_test.other SET v = v;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'twins'), 'delete', 'rewritten', 'modified'),
    'delete=3 rewritten=3 modified=0', 'rows that are the same in all columns are counted once each'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'twins'), 'verified', 'actual_count'),
    'verified=true actual_count=3', 'also by verify_job'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'twins'), 'success', 'rows_deleted'),
    'success=true rows_deleted=3', 'and deleted'
);

SELECT * FROM finish();
ROLLBACK;
