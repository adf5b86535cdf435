-- Which import made this record?
BEGIN;
\ir ../setup.psql
\ir ../70_rollback/items.psql
SELECT plan(40);

-- what jobs did to a record, newest first: action, line of the file, and the job by its source
CREATE FUNCTION pgimport_test.story(p_target text, p_key text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $story$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(
            concat_ws(' ', h.action, h.line_no, h.source), '; ' ORDER BY h.history_id DESC
        ), 'none')
        FROM pgimport.row_history(p_target, p_key) AS h
    );
END;
$story$;

-- only targets that ask for it
SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A,B}');
SELECT is(
    (SELECT count(*) FROM pgimport.row_history), 0::bigint,
    'a target that does not ask for a history of its rows has none'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'codes', '{code,merchant_id}',
        '{"row_history": "yes"}')$$, 'PI003', NULL, 'the option is true or false'
);

-- inserts and updates
SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{"row_history": true}');
INSERT INTO pgimport_test.item (id, name, price) VALUES (1, 'one', 1), (2, 'two', 2);
SELECT pgimport_test.items_job(
    '{"1,uno,1,","3,tre,3,","2,two,2,","x,y,1,","3,again,3,"}',
    '{"on_duplicate": "update", "source": "first"}'
) AS job \gset
SELECT is(
    pgimport_test.story('items', '{1}'), 'update 2 first', 'an updated row has its line of history'
);
SELECT is(pgimport_test.story('items', '{3}'), 'insert 3 first', 'and an inserted one');
SELECT is(
    pgimport_test.story('items', '{2}'), 'none', 'a row that was as the file says has none'
);
SELECT is(
    (SELECT count(*) FROM pgimport.row_history), 2::bigint,
    'nor have rows that were skipped or invalid'
);
SELECT is(
    (
        SELECT concat_ws(' ', h.job_status, h.file_no, h.file_name, h.row_no, h.role_name, h.key)
        FROM pgimport.row_history('items', '{3}') AS h
    ),
    concat_ws(' ', 'completed 1 a.csv 2', current_user, '{3}'),
    'it names the job, the file, the row and who it was'
);

-- a rollback
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT is(
    pgimport_test.story('items', '{3}'), 'delete 3 first; insert 3 first',
    'what a rollback deletes is history, too, with the row it came from'
);
SELECT is(
    pgimport_test.story('items', '{1}'), 'restore 2 first; update 2 first',
    'and what it restores'
);
SELECT pgimport.redo_job(:'job');
SELECT is(
    pgimport_test.story('items', '{3}'), 'insert 3 first; delete 3 first; insert 3 first',
    'and what a redo inserts again'
);
SELECT is(
    (SELECT count(*) FROM pgimport.row_history), 6::bigint, 'each once'
);

-- a rollback in parts, of rows that others have written as well
SELECT pgimport_test.items_job(
    '{"1,eins,10,","2,zwei,20,","7,sieben,7,","8,acht,8,"}',
    '{"on_duplicate": "update", "source": "second"}'
) AS second \gset
SELECT pgimport.rollback_job(
    :'second', p_reason => 'one', p_options => '{"filter": {"id": 7}}'
);
SELECT is(
    ARRAY[pgimport_test.story('items', '{7}'), pgimport_test.story('items', '{8}')],
    '{delete 4 second; insert 4 second,insert 5 second}'::text[],
    'a rollback of some rows is history of these alone'
);
UPDATE pgimport_test.item SET price = 99
WHERE id IN (1, 8);
SELECT pgimport.rollback_job(:'second', 'keep_modified', 'the rest');
SELECT is(
    ARRAY[pgimport_test.story('items', '{8}'), pgimport_test.story('items', '{2}')],
    '{insert 5 second,restore 3 second; update 3 second}'::text[],
    'a row that is kept has no line, one that went back has'
);
SELECT alike(
    pgimport_test.story('items', '{1}'), 'restore 2 second; update 2 second%',
    'a row of which one column went back has, too'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.row_history AS h
        WHERE h.job_id = :'second' AND h.action IN ('delete', 'restore')
    ), 3::bigint, 'and nothing else is said of that rollback'
);

-- soft deletes
SELECT pgimport.register_target(
    'pgimport_test.item', 'items', '{id}', '{"row_history": true, "soft_delete": "deleted_at"}'
);
SELECT pgimport_test.items_job(
    '{"2,deux,2,","20,vingt,20,"}', '{"on_duplicate": "update", "source": "soft"}'
) AS soft \gset
SELECT pgimport.rollback_job(:'soft', p_reason => 'test');
SELECT pgimport.redo_job(:'soft');
SELECT is(
    pgimport_test.story('items', '{20}'), 'insert 3 soft; delete 3 soft; insert 3 soft',
    'declared deleted and alive again it is the same story'
);
SELECT alike(
    pgimport_test.story('items', '{2}'), 'update 2 soft; restore 2 soft; update 2 soft%',
    'and for what was updated, restored and updated again'
);

-- pages
SELECT results_eq(
    $$SELECT h.action FROM pgimport.row_history('items', '{20}', NULL, 2) AS h$$,
    '{insert,delete}'::text[], 'a page has as many lines as asked for'
);
SELECT results_eq(
    $$SELECT h.action FROM pgimport.row_history('items', '{20}', (
        SELECT min(p.history_id) FROM pgimport.row_history('items', '{20}', NULL, 2) AS p
    ), 2) AS h$$, '{insert}'::text[], 'the next one begins after it'
);

-- keys however they are spelled
CREATE TABLE pgimport_test.rate (
    amount numeric(10, 2), place varchar(5), at timestamptz, day date,
    UNIQUE (amount, place, at, day)
);
SELECT pgimport.register_target(
    'pgimport_test.rate', 'rates', '{amount,place,at,day}', '{"row_history": true}'
);
SELECT pgimport_test.new_job('{"source": "r"}', 'rates') AS rates \gset
SELECT pgimport_test.stage(
    :'rates', '{amount,place,at,day}',
    '{"1.5,paris,2026-01-01 12:00:00+01,2026-01-01","2.5,,2026-01-01 12:00:00+01,2026-01-01"}'
);
SELECT pgimport.check_job(:'rates');
SELECT pgimport.insert_job(:'rates');
SELECT is(
    pgimport_test.story('rates', '{1.50,paris,2026-01-01 11:00:00+00,2026-01-01}'),
    'insert 2 r', 'a key is found as it is written'
);
SELECT is(
    pgimport_test.story('rates', '{01.500,paris,2026-01-01 06:00:00-05,20260101}'),
    'insert 2 r', 'and as another spelling of the same values'
);
SELECT is(
    pgimport_test.story('rates', '{1.50,parisian,2026-01-01 11:00:00+00,2026-01-01}'),
    'none', 'what does not fit into the column is not cut'
);
SELECT is(
    pgimport_test.story('rates', '{2.5,NULL,2026-01-01 11:00:00+00,2026-01-01}'),
    'insert 3 r', 'a key with a null in it is found by a null'
);
SELECT is(
    pgimport_test.story('rates', '{2.5,"",2026-01-01 11:00:00+00,2026-01-01}'), 'none',
    'which is no empty text'
);
SELECT pgimport.set_column('rates', 'place', '{"sensitive": true}');
SELECT is(
    (
        SELECT h.key[2] FROM pgimport.row_history(
                'rates', '{1.5,paris,2026-01-01 11:00:00+00,2026-01-01}'
            ) AS h
    ), '***', 'a sensitive part of the key is not shown'
);
SELECT pgimport.rollback_job(:'rates', p_reason => 'test');
SELECT is(
    (
        SELECT max(h.key[2]) FROM pgimport.row_history AS h
        WHERE h.action = 'delete'
    ), '***',
    'nor is it kept'
);
SELECT is(
    pgimport_test.story('rates', '{1.5,paris,2026-01-01 11:00:00+00,2026-01-01}'),
    'delete 2 r; insert 2 r', 'and the record is found all the same'
);

-- keys that are not in the file, or not as they are in the file
CREATE TABLE pgimport_test.ticket (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text
);
SELECT pgimport.register_target(
    'pgimport_test.ticket', 'tickets', '{id}', '{"row_history": true}'
);
SELECT pgimport_test.new_job('{"source": "t"}', 'tickets') AS tickets \gset
SELECT pgimport_test.stage(:'tickets', '{note}', '{one,two}');
SELECT pgimport.check_job(:'tickets');
SELECT pgimport.insert_job(:'tickets');
SELECT is(
    pgimport_test.story('tickets', ARRAY[(SELECT min(t.id) FROM pgimport_test.ticket AS t)::text]),
    'insert t', 'a key that the table makes is kept, from which row it came is not known'
);
CREATE FUNCTION pgimport_test.upper_code()
RETURNS trigger
LANGUAGE plpgsql
AS $upper_code$
BEGIN
    IF new.code <> 'same' THEN
        new.code := upper(new.code);
    END IF;
    RETURN new;
END;
$upper_code$;
CREATE TRIGGER upper_code BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.upper_code();
SELECT pgimport.register_target(
    'pgimport_test.codes', 'codes', '{code,merchant_id}', '{"row_history": true}'
);
SELECT pgimport_test.completed_job('{lower,same}', '{"source": "c"}');
SELECT is(
    ARRAY[
        pgimport_test.story('codes', ARRAY['LOWER', pgimport_test.merchant()::text]),
        pgimport_test.story('codes', ARRAY['lower', pgimport_test.merchant()::text]),
        pgimport_test.story('codes', ARRAY['same', upper(pgimport_test.merchant()::text)])
    ], '{insert c,none,insert 3 c}'::text[],
    'where a trigger changes keys it is the key in the table that counts'
);

-- rows of one key
CREATE TABLE pgimport_test.visit (person text, import_job_id uuid);
CREATE TRIGGER any_trigger BEFORE INSERT ON pgimport_test.visit
FOR EACH ROW WHEN (new.person = 'nobody') EXECUTE FUNCTION pgimport_test.upper_code();
SELECT pgimport.register_target(
    'pgimport_test.visit', 'visits', '{person}',
    '{"row_history": true, "on_duplicate": "create"}'
);
SELECT pgimport_test.new_job('{"source": "v"}', 'visits') AS visits \gset
SELECT pgimport_test.stage(:'visits', '{person}', '{ann,bob,ann}');
SELECT pgimport.check_job(:'visits');
SELECT pgimport.insert_job(:'visits');
SELECT bag_eq(
    $$SELECT h.line_no FROM pgimport.row_history('visits', '{ann}') AS h$$,
    '{2,4}'::bigint[], 'rows of one key each have a line of their own'
);
SELECT pgimport.rollback_job(:'visits', p_reason => 'test');
SELECT is(
    (
        SELECT concat_ws(' ', count(*), count(h.line_no))
        FROM pgimport.row_history('visits', '{ann}') AS h
        WHERE h.action = 'delete'
    ), '2 0', 'and are deleted each, of which line nobody can tell'
);

-- rows that go with others
CREATE TABLE pgimport_test.part (
    id integer PRIMARY KEY,
    item_id integer REFERENCES pgimport_test.item (id)
);
SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{"row_history": true}');
SELECT pgimport.register_target('pgimport_test.part', 'parts', '{id}', '{"row_history": true}');
SELECT pgimport_test.items_job('{"50,whole,1,"}', '{"source": "w"}') AS whole \gset
SELECT pgimport_test.new_job('{"source": "p"}', 'parts') AS parts \gset
SELECT pgimport_test.stage(:'parts', '{id,item_id}', '{"1,50","2,50"}');
SELECT pgimport.check_job(:'parts');
SELECT pgimport.insert_job(:'parts');
SELECT pgimport.rollback_job(:'whole', 'cascade', 'test');
SELECT is(
    ARRAY[pgimport_test.story('parts', '{2}'), pgimport_test.story('items', '{50}')],
    '{delete w; insert 3 p,delete 2 w; insert 2 w}'::text[],
    'rows of other targets that a cascade deletes are told as well, with the job that did it'
);

-- what is refused
SELECT throws_ok(
    $$SELECT pgimport.row_history('nothing', '{1}')$$, 'PI201', NULL, 'a target must be registered'
);
SELECT throws_ok(
    $$SELECT pgimport.row_history('items', NULL)$$, 'PI001', NULL, 'a key must be given'
);
SELECT throws_ok(
    $$SELECT pgimport.row_history('items', '{1,2}')$$, 'PI003', NULL, 'with all its parts'
);
SELECT throws_ok(
    $$SELECT pgimport.row_history('items', '{abc}')$$, 'PI003', NULL,
    'which are values of their columns'
);
SELECT throws_ok(
    $$SELECT pgimport.row_history('items', '{1}', NULL, 0)$$, 'PI003', NULL,
    'a page has at least one line'
);
CREATE TABLE pgimport_test.stay (during daterange PRIMARY KEY);
SELECT throws_ok(
    $$SELECT pgimport.register_target(
        'pgimport_test.stay', 'stays', '{during}', '{"row_history": true}'
    )$$, 'PI214', NULL, 'a target whose keys cannot be found by a hash keeps no history'
);
SELECT throws_ok(
    'DELETE FROM pgimport.row_history', 'PI104', NULL, 'history is not deleted'
);
SELECT throws_ok(
    'UPDATE pgimport.row_history SET action = ''insert''', 'PI104', NULL, 'nor changed'
);

SELECT * FROM finish();
ROLLBACK;
