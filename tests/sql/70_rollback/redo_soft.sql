-- Where a rollback declared rows deleted, a redo declares them alive again.
BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(37);

SELECT pgimport.register_target(
    'pgimport_test.item', 'items', '{id}', '{"soft_delete": "deleted_at"}'
);
INSERT INTO pgimport_test.item (id, name, price, email) VALUES
(1, 'one', 1, 'a@x'), (2, 'two', 2, 'b@x');
SELECT pgimport_test.items_job('{"1,uno,1,a@x","3,tre,3,c@x","4,quattro,4,d@x"}') AS job \gset
SELECT pgimport_test.items() AS before \gset
SELECT pgimport.rollback_job(:'job', p_reason => 'wrong list');
SELECT pgimport.clear_staging(:'job');
SELECT pgimport.redo_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'redone', 'rows_inserted', 'rows_updated', 'warnings',
        'details.rows_revived', 'details.rows_updated_again'
    ),
    'success=true status=completed redone=1 rows_inserted=2 rows_updated=1 warnings=[] '
    'details.rows_revived=2 details.rows_updated_again=1',
    'rows are declared alive and updated again, without any staged rows'
);
SELECT is(pgimport_test.items(), :'before', 'the table is as it was before the rollback');
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count', 'modified'
    ), 'verified=true expected_count=3 actual_count=3 modified=0', 'they are proved again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job'), 'rollback.rolled_back_at', 'rollback.reason', 'rollback.soft',
        'counts.rows_deleted'
    ),
    'rollback.rolled_back_at=null rollback.reason=null rollback.soft=null '
    'counts.rows_deleted=null', 'the job says what is true now'
);
SELECT is(
    (
        SELECT string_agg(e.to_status, ' ' ORDER BY e.event_id) FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'status'
    ), 'staging staged checked completed rolled_back checked completed',
    'its log leads through all of it'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'job'), 'success', 'redone'), 'success=true redone=1',
    'a second redo changes nothing'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job'), 'delete', 'restore', 'modified', 'already_gone'
    ), 'delete=2 restore=1 modified=0 already_gone=0', 'a rollback of the redo is planned'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=2 rows_restored=1', 'and done'
);

-- what others did since the rollback is theirs
UPDATE pgimport_test.item SET name = 'mine'
WHERE id = 1;
DELETE FROM pgimport_test.item
WHERE id = 4;
SELECT pgimport.redo_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'rows_updated', 'rows_skipped', 'redone'),
    'success=true rows_updated=0 rows_skipped=1 redone=2',
    'an updated row that somebody has changed since is left alone'
);
SELECT matches(
    :'answer'::jsonb #>> '{warnings,0}', '1 row of the rollback not there any more',
    'a row that is not there any more is told'
);
SELECT is(
    pgimport_test.items(), '1 mine 1.00 none a@x; 2 two 2.00 none b@x; 3 tre 3.00 none c@x',
    'the rest is back'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'already_gone'),
    'delete=1 restore=0 already_gone=1', 'the next plan leaves that row out'
);
DELETE FROM pgimport_test.item;

-- people's own deletions, and rows deleted by force
SELECT pgimport_test.items_job('{"5,a,1,","6,b,1,","7,c,1,"}', '{}') AS force \gset
UPDATE pgimport_test.item SET deleted_at = '2020-01-01'
WHERE id = 5;
UPDATE pgimport_test.item SET note = 'edited'
WHERE id = 6;
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'force', 'force'), 'rows_deleted'
    ), 'rows_deleted=2', 'force declares a modified row deleted, too'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'force'), 'success', 'details.rows_revived'),
    'success=true details.rows_revived=2', 'both come back'
);
SELECT is(
    pgimport_test.items(), '5 a 1.00 none deleted; 6 b 1.00 edited; 7 c 1.00 none',
    'with what was edited, without what somebody else declared deleted'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'force'), 'delete', 'modified', 'already_gone'
    ), 'delete=1 modified=1 already_gone=1', 'the modified row is still a modified one'
);
DELETE FROM pgimport_test.item;

-- rows that the rollback kept
SELECT pgimport_test.items_job('{"5,a,1,","6,b,1,"}', '{}') AS kept \gset
UPDATE pgimport_test.item SET note = 'edited'
WHERE id = 6;
SELECT pgimport.rollback_job(:'kept', 'keep_modified');
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'kept'), 'success', 'rows_inserted', 'rows_skipped'),
    'success=true rows_inserted=1 rows_skipped=1', 'a row that was kept is no row of the job'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'kept'), 'delete', 'modified', 'already_gone'),
    'delete=1 modified=0 already_gone=0', 'the next plan leaves it out'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'kept'), 'verified', 'expected_count', 'actual_count', 'modified'
    ), 'verified=true expected_count=1 actual_count=1 modified=0', 'so does verify_job'
);
DELETE FROM pgimport_test.item;

-- columns of an updated row, one by one
INSERT INTO pgimport_test.item (id, name, price) VALUES (8, 'old', 1);
SELECT pgimport_test.items_job('{"8,new,2,"}') AS columns \gset
SELECT pgimport.rollback_job(:'columns');
UPDATE pgimport_test.item SET price = 9
WHERE id = 8;
SELECT is(pgimport_test.items(), '8 old 9.00 none', 'a price was changed after the rollback');
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'columns'), 'success', 'rows_updated', 'details.check.status'
    ), 'success=true rows_updated=1 details.check.status=checked',
    'a job whose rollback declared no row deleted is imported again from its staged rows'
);
SELECT is(pgimport_test.items(), '8 new 2.00 none', 'which overwrites what is there now');
SELECT pgimport.rollback_job(:'columns');
SELECT is(pgimport_test.items(), '8 old 9.00 none', 'and restores that');
DELETE FROM pgimport_test.item;
INSERT INTO pgimport_test.item (id, name, price) VALUES (8, 'old', 1);
SELECT pgimport_test.items_job('{"8,new,2,","9,more,1,"}') AS mixed \gset
SELECT pgimport.rollback_job(:'mixed');
UPDATE pgimport_test.item SET price = 9
WHERE id = 8;
SELECT pgimport.redo_job(:'mixed');
SELECT is(
    pgimport_test.items(), '8 new 9.00 none; 9 more 1.00 none',
    'from the images only columns that are as the rollback left them are updated again'
);
SELECT is(
    pgimport_test.plan_rows(:'mixed', 'modified'), 'updated 8 {price}',
    'the other column is modified, by somebody else'
);
SELECT pgimport.rollback_job(:'mixed', 'keep_modified');
SELECT is(
    pgimport_test.items(), '8 old 9.00 none; 9 more 1.00 none deleted',
    'and no rollback ever takes it'
);
DELETE FROM pgimport_test.item;

-- a key that another row has by now
ALTER TABLE pgimport_test.item DROP CONSTRAINT item_pkey;
CREATE UNIQUE INDEX item_id_key ON pgimport_test.item (id) WHERE deleted_at IS NULL;
SELECT pgimport_test.items_job('{"1,first,1,","2,first,1,"}', '{}') AS first \gset
SELECT pgimport.rollback_job(:'first');
INSERT INTO pgimport_test.item (id, name, price) VALUES (2, 'other', 1);
SELECT pgimport.redo_job(:'first') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'code', 'redone', 'details.sqlstate', 'details.constraint'
    ),
    'success=false status=rolled_back code=PI404 redone=0 details.sqlstate=23505 '
    'details.constraint=item_id_key', 'when another row has a key of the job nothing is redone'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.item AS i
        WHERE i.deleted_at IS NULL
    ), 1, 'nothing at all'
);
DELETE FROM pgimport_test.item
WHERE name = 'other';
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'first'), 'success', 'details.rows_revived'),
    'success=true details.rows_revived=2', 'once it is gone the redo does it all'
);

-- a trigger that notes every change
ALTER TABLE pgimport_test.item ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
CREATE FUNCTION pgimport_test.touch() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN new.changed_at := clock_timestamp(); RETURN new; END';
CREATE TRIGGER touch BEFORE UPDATE ON pgimport_test.item
FOR EACH ROW EXECUTE FUNCTION pgimport_test.touch();
SELECT pgimport_test.items_job('{"11,x,1,","12,y,1,"}', '{}') AS touched \gset
SELECT pgimport.rollback_job(:'touched');
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'touched'), 'success', 'details.rows_revived'),
    'success=true details.rows_revived=2', 'a trigger that stamps rows is no obstacle'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'touched'), 'delete', 'modified'),
    'delete=2 modified=0', 'nor makes them modified rows'
);
ALTER TABLE pgimport_test.item DISABLE TRIGGER touch;
UPDATE pgimport_test.item SET name = name
WHERE id IN (11, 12);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'touched'), 'delete', 'modified', 'rewritten'),
    'delete=2 modified=0 rewritten=2', 'not even when they are written again as they are'
);
UPDATE pgimport_test.item SET name = 'z'
WHERE id = 12;
SELECT is(
    pgimport_test.plan_rows(:'touched', 'modified'), 'inserted 12 {name}',
    'an edit is still found, with its column'
);

-- a boolean column
CREATE TABLE pgimport_test.flagged (
    k text PRIMARY KEY, hidden boolean NOT NULL DEFAULT false, note text
);
SELECT pgimport.register_target(
    'pgimport_test.flagged', 'flagged', '{k}', '{"soft_delete": "hidden"}'
);
SELECT pgimport_test.new_job('{}', 'flagged') AS flags \gset
SELECT pgimport_test.stage(:'flags', '{k,hidden}', '{"A,","B,","C,true"}');
SELECT pgimport.check_job(:'flags');
SELECT pgimport.insert_job(:'flags');
UPDATE pgimport_test.flagged SET hidden = true
WHERE k = 'B';
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'flags'), 'success', 'rows_deleted'),
    'success=true rows_deleted=1', 'a boolean column declares rows deleted'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'flags'), 'success', 'details.rows_revived'),
    'success=true details.rows_revived=1', 'the redo knows which it was'
);
SELECT is(
    (
        SELECT string_agg(concat(f.k, f.hidden), ' ' ORDER BY f.k)
        FROM pgimport_test.flagged AS f
    ), 'Af Bt Ct', 'and leaves what the file or somebody else declared so'
);

-- all of them
SELECT pgimport.rollback_job(:'flags');
SELECT is(
    (
        SELECT string_agg(c ->> 'invariant', ',')
        FROM jsonb_array_elements(pgimport.verify_install(true) -> 'checks') AS c
        WHERE NOT (c ->> 'ok')::boolean
    ), NULL, 'all counts of all jobs agree, rows declared deleted are no rows of a job'
);

SELECT * FROM finish();
ROLLBACK;
