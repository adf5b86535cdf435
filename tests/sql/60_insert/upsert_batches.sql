-- Batches of a job that updates: before-images of all of them, taken back as one.
BEGIN;
\ir ../setup.psql
SELECT plan(6);

CREATE TABLE pgimport_test.notes (id integer PRIMARY KEY, body text, seen integer);
INSERT INTO pgimport_test.notes (id, body, seen)
SELECT g.n AS id, 'old ' || g.n AS body, g.n AS seen FROM generate_series(1, 6) AS g (n);
SELECT pgimport.register_target(
    'pgimport_test.notes', 'notes', '{id}', '{"on_duplicate": "update"}'
);
CREATE TABLE pgimport_test.before AS
SELECT n.id, n.body, n.seen FROM pgimport_test.notes AS n;
-- after the insert a trigger rewrites what it wrote
CREATE FUNCTION pgimport_test.louder()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.body := new.body || '!';
    RETURN new;
END;
$$;
CREATE TRIGGER louder BEFORE INSERT OR UPDATE ON pgimport_test.notes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.louder();

SELECT pgimport_test.new_job('{}', 'notes') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{id,body}', ARRAY[
        '1,new 1', '7,new 7', '2,new 2', '1,again', '8,new 8', '3,old 3!', '9,new 9', '9,twice',
        '4,new 4'
    ]
);
SELECT pgimport.check_job(:'job') ->> 'success' AS done \gset

CREATE FUNCTION pgimport_test.batches(p_job uuid, p_rows integer)
RETURNS text[]
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_told text[] := '{}';
    v_answer jsonb;
BEGIN
    LOOP
        v_answer := pgimport.insert_job(p_job, jsonb_build_object('batch_rows', p_rows));
        v_told := v_told || concat_ws(' ', v_answer ->> 'status', v_answer ->> 'rows_inserted',
            v_answer ->> 'rows_updated', v_answer ->> 'rows_remaining');
        EXIT WHEN v_answer ->> 'status' <> 'inserting' OR NOT (v_answer ->> 'success')::boolean;
    END LOOP;
    RETURN v_told;
END;
$$;
SELECT is(
    pgimport_test.batches(:'job', 2),
    '{inserting 1 1 5,inserting 2 2 3,inserting 3 3 1,completed 3 4 0}',
    'each batch inserts and updates its own rows, and counts them'
);
SELECT is(
    (SELECT string_agg(n.body, ' ' ORDER BY n.id) FROM pgimport_test.notes AS n),
    'new 1! new 2! old 3!! new 4! old 5 old 6 new 7! new 8! new 9!',
    'every row is written once: a trigger fired for each once'
);
SELECT is(
    (
        SELECT concat_ws(' ', v ->> 'verified', v ->> 'actual_count', v ->> 'modified')
        FROM pgimport.verify_job(:'job') AS v
    ),
    'true 7 0', 'rows of all batches are known as untouched'
);
UPDATE pgimport_test.notes SET body = body
WHERE id = 7;
SELECT is(
    (
        SELECT concat_ws(' ', p ->> 'delete', p ->> 'restore', p ->> 'modified')
        FROM pgimport.plan_rollback(:'job') AS p
    ),
    '2 4 1', 'a row of an early batch that somebody changed is told from the others'
);
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'rows_deleted', a ->> 'rows_restored', a ->> 'rows_kept')
        FROM pgimport.rollback_job(:'job', 'force') AS a
    ),
    '3 4 0', 'all batches are taken back together'
);
ALTER TABLE pgimport_test.notes DISABLE TRIGGER louder;
SELECT results_eq(
    'SELECT n.id, replace(n.body, ''!'', '''') FROM pgimport_test.notes AS n ORDER BY n.id',
    'SELECT b.id, b.body FROM pgimport_test.before AS b ORDER BY b.id',
    'and the table holds what it held'
);

SELECT * FROM finish();
ROLLBACK;
