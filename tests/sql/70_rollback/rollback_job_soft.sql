BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(22);

SELECT pgimport.register_target(
    'pgimport_test.item', 'items', '{id}', '{"soft_delete": "deleted_at"}'
);
INSERT INTO pgimport_test.item (id, name, price, email) VALUES
(1, 'one', 1, 'a@x'), (2, 'two', 2, 'b@x');
SELECT pgimport_test.items_job('{"1,uno,1,a@x","3,tre,3,c@x","4,quattro,4,d@x"}') AS job \gset
CREATE TABLE pgimport_test.sale (
    item_id integer REFERENCES pgimport_test.item ON DELETE CASCADE
);
CREATE INDEX ON pgimport_test.sale (item_id);
INSERT INTO pgimport_test.sale VALUES (3);

SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job'), 'soft', 'delete', 'restore', 'dependents', 'refused_because'
    ), 'soft=true delete=2 restore=1 dependents=[] refused_because=null',
    'where the target says so rows are declared deleted: what refers to them is not in the way'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job', 'refuse', '{"soft_delete": false}'), 'soft', 'delete',
        'dependents.0.count'
    ), 'soft=false delete=2 dependents.0.count=1', 'unless they are to be deleted after all'
);
SELECT pgimport.rollback_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'status', 'rows_deleted', 'rows_restored'),
    'success=true status=rolled_back rows_deleted=2 rows_restored=1', 'the rollback counts them'
);
SELECT matches(:'answer'::jsonb ->> 'message', 'declared deleted', 'and calls it what it is');
SELECT is(
    pgimport_test.items(),
    '1 one 1.00 none a@x; 2 two 2.00 none b@x; 3 tre 3.00 none c@x deleted; '
    '4 quattro 4.00 none d@x deleted',
    'inserted rows are there with their values, updated ones are restored'
);
SELECT is((SELECT count(*)::integer FROM pgimport_test.sale), 1, 'nothing was cascaded');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=0 actual_count=0', 'rows declared deleted count as gone'
);

-- the key of a row that was declared deleted, with an ordinary index
SELECT pgimport_test.items_job('{"3,again,3,","5,cinque,5,e@x"}', '{}') AS again \gset
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'again'), 'counts.rows_inserted', 'counts.rows_skipped'),
    'counts.rows_inserted=1 counts.rows_skipped=1',
    'under an ordinary unique index a row declared deleted keeps its key'
);

SELECT pgimport_test.items_job('{"3,drei,3,c@x","2,zwei,2,b@x"}') AS over \gset
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'over'), 'verified', 'expected_count', 'actual_count'
    ), 'verified=true expected_count=2 actual_count=2', 'an update finds it by its key'
);
UPDATE pgimport_test.item SET deleted_at = now()
WHERE id = 2;
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'over'), 'success', 'rows_restored'),
    'success=true rows_restored=2', 'and it gets its old values back like any other'
);
UPDATE pgimport_test.item SET deleted_at = NULL
WHERE id = 2;
SELECT is(
    pgimport_test.items(),
    '1 one 1.00 none a@x; 2 two 2.00 none b@x; 3 tre 3.00 none c@x deleted; '
    '4 quattro 4.00 none d@x deleted; 5 cinque 5.00 none e@x',
    'whether it was declared deleted before or since'
);

-- with one that leaves them out
ALTER TABLE pgimport_test.item DROP CONSTRAINT item_pkey CASCADE;
ALTER TABLE pgimport_test.item DROP CONSTRAINT item_email_key;
CREATE UNIQUE INDEX item_id_key ON pgimport_test.item (id) WHERE deleted_at IS NULL;
SELECT pgimport_test.items_job('{"3,again,3,c@x","4,again,4,d@x"}', '{}') AS again \gset
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'again'), 'counts.rows_inserted', 'counts.rows_skipped'),
    'counts.rows_inserted=2 counts.rows_skipped=0',
    'under a unique index of the others the key is free at once'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'again'), 'delete', 'modified', 'already_gone'),
    'delete=2 modified=0 already_gone=0', 'and the new rows are told from the old ones'
);

-- people declare rows deleted, too
UPDATE pgimport_test.item SET deleted_at = now()
WHERE name = 'again' AND id = 3;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'again'), 'delete', 'modified', 'already_gone'),
    'delete=1 modified=0 already_gone=1', 'a row that somebody declared deleted is gone already'
);
UPDATE pgimport_test.item SET deleted_at = NULL
WHERE name = 'again' AND id = 3;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'again'), 'delete', 'rewritten', 'already_gone'),
    'delete=2 rewritten=1 already_gone=0', 'alive again it is as the job left it'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'again', p_options => '{"filter": {"id": 3}}'), 'partial',
        'rows_deleted'
    ), 'partial=true rows_deleted=1', 'a part can be declared deleted'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'again', p_options => '{"soft_delete": false}'), 'status',
        'rows_deleted', 'counts.rows_deleted'
    ), 'status=rolled_back rows_deleted=2 counts.rows_deleted=2', 'and the rest deleted'
);

-- updates of a row that somebody declared deleted
SELECT pgimport_test.items_job('{"1,uno,1,a@x","2,due,2,b@x"}') AS updates \gset
UPDATE pgimport_test.item SET deleted_at = now()
WHERE id = 1;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'updates'), 'restore', 'already_gone'),
    'restore=1 already_gone=1', 'an updated row that was declared deleted is gone already'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'updates'), 'success', 'rows_restored'),
    'success=true rows_restored=1', 'and stays as it is'
);

-- a boolean column
CREATE TABLE pgimport_test.flagged (k text PRIMARY KEY, hidden boolean NOT NULL DEFAULT false);
SELECT pgimport.register_target(
    'pgimport_test.flagged', 'flagged', '{k}', '{"soft_delete": "hidden"}'
);
SELECT pgimport_test.new_job('{}', 'flagged') AS flags \gset
SELECT pgimport_test.stage(:'flags', '{k}', '{A,B}');
SELECT pgimport.check_job(:'flags');
SELECT pgimport.insert_job(:'flags');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'flags'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'a flag declares rows deleted as well'
);
SELECT ok(
    (SELECT bool_and(f.hidden) FROM pgimport_test.flagged AS f), 'all of them'
);

-- none declared
SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A}') AS hard \gset
SELECT throws_ok(
    format($$SELECT pgimport.plan_rollback(%L, p_options => '{"soft_delete": true}')$$, :'hard'),
    'PI003', NULL, 'a target without such a column has nothing to declare'
);

SELECT * FROM finish();
ROLLBACK;
