-- A rehearsal of a job that updates: its updates are done for real, and undone.
BEGIN;
\ir ../setup.psql
SELECT plan(9);

CREATE TABLE pgimport_test.stock (
    code text PRIMARY KEY, amount integer, import_job_id uuid
);
INSERT INTO pgimport_test.stock SELECT
    'c' || i AS code,
    i AS amount
FROM generate_series(1, 40) AS i;
SELECT pgimport.register_target('pgimport_test.stock'::regclass, 'stock', '{code}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'stock') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,amount}', array(
        SELECT concat_ws(',', 'c' || i, CASE WHEN i <= 10 THEN i ELSE 100 + i END)
        FROM generate_series(1, 60) AS i
    )
);
SELECT pgimport.check_job(:'job');

SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'job', 0), 'passed', 'rehearsed', 'would_insert', 'would_update',
        'failed'
    ),
    'passed=true rehearsed=50 would_insert=20 would_update=30 failed=0',
    'rows are inserted and updated; those that are as the file says are not written'
);
SELECT is(
    (SELECT sum(s.amount)::integer FROM pgimport_test.stock AS s), 820,
    'and nothing of it stays'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'job', 30), 'passed', 'would_insert', 'failed'
    ), 'passed=true would_insert=10 failed=0', 'a sample has its share of both'
);

CREATE FUNCTION pgimport_test.judge()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $judge$
BEGIN
    IF new.amount IN (117, 133, 155) THEN
        RAISE EXCEPTION 'not %', new.amount USING ERRCODE = 'P0777';
    END IF;
    IF new.amount = 120 THEN
        RETURN NULL;
    END IF;
    RETURN new;
END;
$judge$;
CREATE TRIGGER judge BEFORE INSERT OR UPDATE ON pgimport_test.stock
FOR EACH ROW EXECUTE FUNCTION pgimport_test.judge();
SELECT results_eq(
    format(
        $$SELECT f ->> 'row_no', f ->> 'sqlstate'
        FROM jsonb_array_elements(pgimport.rehearse_job(%L, 0) -> 'failures') AS f
        ORDER BY (f -> 'row_no')::integer$$, :'job'
    ),
    $$VALUES ('17', 'P0777'), ('20', 'PI401'), ('33', 'P0777'), ('55', 'P0777')$$,
    'each row that a trigger refuses or drops is found, whether it is inserted or updated'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'job', 0), 'passed', 'would_insert', 'would_update', 'failed'
    ), 'passed=false would_insert=19 would_update=27 failed=4', 'the others work'
);
SELECT is(
    (SELECT sum(s.amount)::integer FROM pgimport_test.stock AS s), 820, 'and nothing of it stays'
);
SELECT is(
    (
        SELECT e.details -> 'would_update' FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'rehearsed'
        ORDER BY e.event_id DESC LIMIT 1
    )::text, '27', 'the log of the job tells of it'
);

DROP TRIGGER judge ON pgimport_test.stock;
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'stock') AS none \gset
SELECT pgimport_test.stage(:'none', '{code,amount}', '{"c1,1"}');
SELECT pgimport.check_job(:'none');
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'none', 5), 'passed', 'rehearsed', 'would_update'
    ), 'passed=true rehearsed=0 would_update=0', 'a job that would change nothing passes'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ),
    'rows_inserted=20 rows_updated=30 rows_unchanged=10', 'the insert does what was rehearsed'
);
SELECT * FROM finish();
ROLLBACK;
