BEGIN;
\ir ../setup.psql
\ir salon.psql
\ir doomed.psql
SELECT plan(13);

INSERT INTO pgimport_test.client VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cy');
INSERT INTO pgimport_test.appointment (id, client_id) VALUES (11, 1), (12, 1), (13, 2), (14, 3);
INSERT INTO pgimport_test.note (id, appointment_id) VALUES (21, 11), (22, 11), (23, 12), (24, 13);

-- RESTRICT is looked at when the statement is over
ALTER TABLE pgimport_test.note DROP CONSTRAINT note_appointment_fkey,
ADD CONSTRAINT note_appointment_fkey
FOREIGN KEY (appointment_id) REFERENCES pgimport_test.appointment ON DELETE RESTRICT;
ALTER TABLE pgimport_test.appointment DROP CONSTRAINT appointment_client_fkey,
ADD CONSTRAINT appointment_client_fkey
FOREIGN KEY (client_id) REFERENCES pgimport_test.client ON DELETE RESTRICT;
SELECT 'SAVEPOINT before' AS statement \gexec
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 5: {"note": 3, "appointment": 2}', 'keys with RESTRICT are no obstacle'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- keys that delete by themselves
ALTER TABLE pgimport_test.note DROP CONSTRAINT note_appointment_fkey,
ADD CONSTRAINT note_appointment_fkey
FOREIGN KEY (appointment_id) REFERENCES pgimport_test.appointment ON DELETE CASCADE;
ALTER TABLE pgimport_test.appointment DROP CONSTRAINT appointment_client_fkey,
ADD CONSTRAINT appointment_client_fkey
FOREIGN KEY (client_id) REFERENCES pgimport_test.client ON DELETE CASCADE;
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 5: {"note": 3, "appointment": 2}', 'keys with CASCADE give the same numbers'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- triggers
CREATE TABLE pgimport_test.heard (line integer GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION pgimport_test.hear()
RETURNS trigger
LANGUAGE plpgsql
AS $hear$
BEGIN
    INSERT INTO heard (what) VALUES (format('%s %s', tg_table_name, old.id));
    RETURN old;
END;
$hear$;
CREATE TRIGGER hear BEFORE DELETE ON pgimport_test.client
FOR EACH ROW EXECUTE FUNCTION pgimport_test.hear();
CREATE TRIGGER hear BEFORE DELETE ON pgimport_test.appointment
FOR EACH ROW EXECUTE FUNCTION pgimport_test.hear();
CREATE TRIGGER hear BEFORE DELETE ON pgimport_test.note
FOR EACH ROW EXECUTE FUNCTION pgimport_test.hear();
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1', 'pgimport_test'),
    '1 and 5: {"note": 3, "appointment": 2}', 'triggers run under the search_path of the caller'
);
SELECT is(
    (SELECT string_agg(h.what, ', ' ORDER BY h.line) FROM pgimport_test.heard AS h),
    'note 21, note 22, note 23, appointment 11, appointment 12, client 1',
    'each row is deleted after those that refer to it, each table''s in their order'
);
SELECT is(
    current_setting('search_path') LIKE '%pgimport_test%', false, 'the path is the old one again'
);
SELECT throws_ok(
    $$SELECT pgimport_test.cascade('pgimport_test.client', 'id = 2')$$, '42P01', NULL,
    'what a trigger raises passes'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- a trigger that keeps a row
ALTER TABLE pgimport_test.note DROP CONSTRAINT note_appointment_fkey,
ADD CONSTRAINT note_appointment_fkey
FOREIGN KEY (appointment_id) REFERENCES pgimport_test.appointment;
CREATE FUNCTION pgimport_test.keep()
RETURNS trigger
LANGUAGE plpgsql
AS $keep$
BEGIN
    RETURN NULL;
END;
$keep$;
CREATE TRIGGER keep BEFORE DELETE ON pgimport_test.note
FOR EACH ROW WHEN (old.id = 22) EXECUTE FUNCTION pgimport_test.keep();
SELECT throws_ok(
    $$SELECT pgimport_test.cascade('pgimport_test.client', 'id = 1')$$, '23503', NULL,
    'a row that a trigger keeps leaves nothing that refers to nothing'
);
CREATE TRIGGER keep BEFORE DELETE ON pgimport_test.client
FOR EACH ROW WHEN (old.id = 3) EXECUTE FUNCTION pgimport_test.keep();
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 3'), '0 and 1: {"appointment": 1}',
    'only what was deleted is counted'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- a trigger of the parent that deletes its children itself
CREATE FUNCTION pgimport_test.take_along()
RETURNS trigger
LANGUAGE plpgsql
AS $take_along$
BEGIN
    DELETE FROM pgimport_test.appointment AS a
    WHERE a.client_id = old.id;
    RETURN old;
END;
$take_along$;
CREATE TRIGGER take_along BEFORE DELETE ON pgimport_test.client
FOR EACH ROW EXECUTE FUNCTION pgimport_test.take_along();
SELECT is(
    pgimport_test.cascade('pgimport_test.client', 'id = 1'),
    '1 and 5: {"note": 3, "appointment": 2}',
    'triggers that delete the children themselves find them deleted'
);
SELECT 'ROLLBACK TO SAVEPOINT before' AS statement \gexec

-- partitions on both sides
CREATE TABLE pgimport_test.room (region text, id integer, PRIMARY KEY (region, id))
PARTITION BY LIST (region);
CREATE TABLE pgimport_test.room_a PARTITION OF pgimport_test.room FOR VALUES IN ('a');
CREATE TABLE pgimport_test.room_b PARTITION OF pgimport_test.room FOR VALUES IN ('b');
CREATE TABLE pgimport_test.seat (
    region text,
    id integer,
    room_id integer,
    PRIMARY KEY (region, id),
    CONSTRAINT seat_fkey FOREIGN KEY (region, room_id) REFERENCES pgimport_test.room
) PARTITION BY LIST (region);
CREATE TABLE pgimport_test.seat_a PARTITION OF pgimport_test.seat FOR VALUES IN ('a');
CREATE TABLE pgimport_test.seat_b PARTITION OF pgimport_test.seat FOR VALUES IN ('b');
CREATE TABLE pgimport_test.ticket (
    region text,
    seat_id integer,
    CONSTRAINT ticket_fkey FOREIGN KEY (region, seat_id) REFERENCES pgimport_test.seat
);
CREATE TABLE pgimport_test.room_key (
    region text,
    room_id integer,
    CONSTRAINT room_key_fkey FOREIGN KEY (region, room_id) REFERENCES pgimport_test.room_a
);
-- the ctids of all partitions are alike
INSERT INTO pgimport_test.room SELECT r.r, i.i FROM unnest('{a,b}'::text[]) AS r (r),
    generate_series(1, 3) AS i (i);
INSERT INTO pgimport_test.seat SELECT r.region, 10 * r.id + i.i AS id, r.id AS room_id
FROM pgimport_test.room AS r, generate_series(1, 2) AS i (i);
INSERT INTO pgimport_test.ticket SELECT s.region, s.id FROM pgimport_test.seat AS s;
INSERT INTO pgimport_test.room_key VALUES ('a', 1), ('a', 2);
SELECT is(
    pgimport_test.deep('pgimport_test.room', '(region, id) IN ((''a'', 2), (''b'', 1))'),
    '9 rows: 1 room_key_fkey 1 no action; 1 seat_fkey 4 no action; 2 ticket_fkey 4 no action',
    'partitions are told apart'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.room', '(region, id) IN ((''a'', 2), (''b'', 1))'),
    '2 and 9: {"seat": 4, "ticket": 4, "room_key": 1}', 'so they are when rows are deleted'
);
SELECT is(
    (
        SELECT string_agg(concat_ws(' ', s.region, s.id), '; ' ORDER BY s.region, s.id)
        FROM pgimport_test.seat AS s
    ), 'a 11; a 12; a 31; a 32; b 21; b 22; b 31; b 32', 'the right ones are left'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.ticket), 8, 'with what refers to them'
);

SELECT * FROM finish();
ROLLBACK;
