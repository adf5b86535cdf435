BEGIN;
\ir ../setup.psql
\ir salon.psql
\ir doomed.psql
SELECT plan(16);

INSERT INTO pgimport_test.client VALUES (1, 'Ann'), (2, 'Bob');
INSERT INTO pgimport_test.appointment (id, client_id) VALUES (11, 1), (12, 1), (13, 2);
INSERT INTO pgimport_test.note (id, appointment_id) VALUES (21, 11), (22, 11), (23, 12), (24, 13);

SELECT is(
    pgimport_test.deep('pgimport_test.client', 'id = 1'),
    '5 rows: 1 appointment_client_fkey 2 no action; 2 note_appointment_fkey 3 no action',
    'rows that depend through others are found, with their depth'
);
SELECT is(
    pgimport_test.direct('pgimport_test.client', 'id = 1'), 'appointment_client_fkey 2 no action',
    'a plan without cascade names those that refer directly'
);
SELECT is(
    pgimport_test.deep('pgimport_test.client', 'false'), '0 rows: none',
    'nothing depends on nothing'
);
SELECT 'SAVEPOINT before' AS statement \gexec
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 5: {"note": 3, "appointment": 2}', 'they are deleted with the rows'
);
SELECT is(pgimport_test.salon(), '2 | 13 | 24', 'and nothing else');
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'false'), '0 and 0: {}',
    'without rows nothing is deleted'
);

-- two ways to one row
ALTER TABLE pgimport_test.note
ADD COLUMN client_id integer CONSTRAINT note_client_fkey REFERENCES pgimport_test.client;
UPDATE pgimport_test.note SET client_id = 1
WHERE id IN (21, 24);
SELECT is(
    pgimport_test.deep('pgimport_test.client', 'id = 1'),
    '6 rows: 1 appointment_client_fkey 2 no action; 1 note_client_fkey 2 no action; '
    '2 note_appointment_fkey 2 no action',
    'a row that depends in two ways counts once, where it is found first'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 6: {"note": 4, "appointment": 2}', 'and is deleted once'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- rows that the database changes
CREATE TABLE pgimport_test.bill (
    id integer PRIMARY KEY,
    note_id integer DEFAULT 24 CONSTRAINT bill_note_fkey
    REFERENCES pgimport_test.note ON DELETE SET NULL,
    client_id integer DEFAULT 2 CONSTRAINT bill_client_fkey
    REFERENCES pgimport_test.client ON DELETE SET DEFAULT
);
CREATE TABLE pgimport_test.reminder (
    bill_id integer CONSTRAINT reminder_bill_fkey REFERENCES pgimport_test.bill
);
INSERT INTO pgimport_test.bill VALUES (31, 21, 2), (32, 24, 1), (33, 24, 2), (34, 22, 1);
INSERT INTO pgimport_test.reminder VALUES (31), (32);
SELECT is(
    pgimport_test.deep('pgimport_test.client', 'id = 1'),
    '5 rows: 1 appointment_client_fkey 2 no action; 1 bill_client_fkey 2 set default; '
    '2 note_appointment_fkey 3 no action; 3 bill_note_fkey 1 set null',
    'rows that the database changes instead of deleting them are told, with nothing beyond them'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 5: {"note": 3, "appointment": 2}', 'they are not deleted'
);
SELECT is(
    (
        SELECT
            string_agg(
                concat_ws(' ', b.id, coalesce(b.note_id, 0), b.client_id), '; '
                ORDER BY b.id
            )
        FROM pgimport_test.bill AS b
    ), '31 0 2; 32 24 2; 33 24 2; 34 0 2', 'but changed'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- a table that refers to itself, and a circle of tables
CREATE TABLE pgimport_test.tree (
    id integer PRIMARY KEY,
    parent_id integer CONSTRAINT tree_fkey REFERENCES pgimport_test.tree
);
INSERT INTO pgimport_test.tree
SELECT g.i, nullif(g.i - 1, 0) AS parent_id FROM generate_series(1, 300) AS g (i);
INSERT INTO pgimport_test.tree VALUES (1000, NULL), (1001, 1000);
SELECT is(
    pgimport_test.deep('pgimport_test.tree', 'id IN (1, 2, 100)'),
    '297 rows: 1 tree_fkey 297 no action',
    'a chain of rows of one table is followed to its end; a row that is deleted is no dependent'
);
UPDATE pgimport_test.tree SET parent_id = 300
WHERE id = 1;
SELECT is(
    pgimport_test.deep('pgimport_test.tree', 'id = 7'), '299 rows: 1 tree_fkey 299 no action',
    'a circle comes to an end'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.tree', 'id = 7'), '1 and 299: {"tree": 299}',
    'all of it is deleted'
);
CREATE TABLE pgimport_test.husband (
    id integer PRIMARY KEY, wife_id integer
);
CREATE TABLE pgimport_test.wife (
    id integer PRIMARY KEY,
    husband_id integer CONSTRAINT wife_fkey REFERENCES pgimport_test.husband ON DELETE RESTRICT
);
ALTER TABLE pgimport_test.husband ADD CONSTRAINT husband_fkey
FOREIGN KEY (wife_id) REFERENCES pgimport_test.wife ON DELETE RESTRICT;
INSERT INTO pgimport_test.husband VALUES (1, NULL), (2, NULL), (3, NULL);
INSERT INTO pgimport_test.wife VALUES (1, 1), (2, 2), (3, 1);
UPDATE pgimport_test.husband SET wife_id = id;
SELECT is(
    pgimport_test.deep('pgimport_test.husband', 'id = 1'),
    '3 rows: 1 wife_fkey 2 restrict; 2 husband_fkey 1 restrict',
    'so are tables that refer to each other, back into the table itself'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.husband', 'id = 1'),
    '1 and 3: {"wife": 2, "husband": 1}', 'and deleted by one statement, whatever comes first'
);

SELECT * FROM finish();
ROLLBACK;
