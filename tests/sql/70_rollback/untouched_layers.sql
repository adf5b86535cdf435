BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(13);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
INSERT INTO pgimport_test.item (id, name, price, email) VALUES (1, 'one', 1, 'a@x');
SELECT pgimport_test.items_job('{"1,uno,1,a@x","2,due,2.5,b@x","3,tre,3,"}') AS job \gset

CREATE FUNCTION pgimport_test.classes(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $classes$
BEGIN
    RETURN pgimport_test.pick(
        pgimport.plan_rollback(p_job_id), 'delete', 'restore', 'rewritten', 'modified'
    );
END;
$classes$;

SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=0 modified=0',
    'rows that carry the xmin of the insert are untouched'
);

-- row locks and foreign keys
SELECT i.id FROM pgimport_test.item AS i FOR UPDATE;
CREATE TABLE pgimport_test.sale (item_id integer REFERENCES pgimport_test.item);
INSERT INTO pgimport_test.sale VALUES (2);
DROP TABLE pgimport_test.sale;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=0 modified=0',
    'row locks and checks of foreign keys touch nothing'
);

-- the table is rewritten
ALTER TABLE pgimport_test.item ADD CONSTRAINT item_price_check CHECK (price > 0);
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=0 modified=0',
    'nor does a new constraint'
);
ALTER TABLE pgimport_test.item ALTER COLUMN id TYPE bigint;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=3 modified=0',
    'in a table that ALTER TYPE has rewritten the values are compared, also of a wider type'
);
ALTER TABLE pgimport_test.item ADD COLUMN colour text DEFAULT clock_timestamp()::text;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=3 modified=0',
    'a new column is none that the job knew'
);

-- dump and restore: other transactions, another table
CREATE TABLE pgimport_test.copied (LIKE pgimport_test.item INCLUDING ALL);
INSERT INTO pgimport_test.copied SELECT i.* FROM pgimport_test.item AS i;
DROP TABLE pgimport_test.item CASCADE;
ALTER TABLE pgimport_test.copied RENAME TO item;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=3 modified=0',
    'in a table that was made anew the rows are known by fingerprints and before-images'
);
UPDATE pgimport_test.item SET price = 2.50, colour = 'red'
WHERE id = 2;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=2 restore=1 rewritten=3 modified=0',
    'also after they were written with the same values'
);
UPDATE pgimport_test.item SET price = 2.51
WHERE id = 2;
SELECT is(
    pgimport_test.classes(:'job'), 'delete=1 restore=1 rewritten=2 modified=1',
    'and what was changed is known there, too'
);

-- a row that is like another job's
INSERT INTO pgimport_test.item (id, name, price, import_job_id) VALUES (30, 'tre', 3, :'job');
SELECT is(
    pgimport_test.classes(:'job'), 'delete=1 restore=1 rewritten=2 modified=2',
    'a row that only carries the stamp of the job is none of it'
);
DELETE FROM pgimport_test.item
WHERE id = 30;

-- two thousand million transactions later
SELECT pgimport_test.items_job('{"8,otto,8,h@x"}') AS old \gset
SELECT is(
    pgimport_test.classes(:'old'), 'delete=1 restore=0 rewritten=0 modified=0', 'a young job'
);
ALTER TABLE pgimport.job_write DISABLE TRIGGER USER;
UPDATE pgimport.job_write
SET transaction_id = (w.transaction_id::text::numeric + 3000000000)::text::xid8
FROM (
    SELECT j.transaction_id FROM pgimport.job_write AS j
    WHERE j.job_id = :'old'
) AS w
WHERE job_id = :'old';
SELECT is(
    pgimport_test.classes(:'old'), 'delete=1 restore=0 rewritten=1 modified=0',
    'when transaction ids may have come round its rows are known by fingerprints'
);

-- the rollback
UPDATE pgimport_test.item SET price = 2.50
WHERE id = 2;
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=2 rows_restored=1', 'what was proved so is rolled back'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'old'), 'success', 'rows_deleted'),
    'success=true rows_deleted=1', 'in every one of these cases'
);

SELECT * FROM finish();
ROLLBACK;
