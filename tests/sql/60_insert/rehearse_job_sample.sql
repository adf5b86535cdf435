-- Which rows a sample has.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(2);

CREATE TRIGGER judge_edges BEFORE INSERT ON pgimport_test.things
FOR EACH ROW WHEN (
    length(new.code) > 20 OR new.amount IN (-1, 7777) OR new.parent IS NULL
    OR new.code IN ('r1', 'r400')
) EXECUTE FUNCTION pgimport_test.refuse();
SELECT pgimport_test.things_job(
    '{code,parent,amount}', VARIADIC array(
        SELECT
            concat_ws(
                ',',
                CASE i WHEN 111 THEN 'r-and-a-very-long-one-indeed' ELSE 'r' || i END,
                CASE i WHEN 222 THEN '' ELSE 'p' || i % 7 END,
                CASE i WHEN 150 THEN -1 WHEN 250 THEN 7777 ELSE i % 100 END
            )
        FROM generate_series(1, 400) AS i
    )
) AS edges \gset
SELECT is(
    (
        SELECT string_agg(f ->> 'row_no', ' ' ORDER BY (f ->> 'row_no')::integer)
        FROM jsonb_array_elements(pgimport.rehearse_job(:'edges', 20) -> 'failures') AS f
    ),
    '1 111 150 222 250 400',
    'a sample has the first row, the last, the longest text, the smallest and the largest number '
    'and the one with most nulls'
);
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'edges', 20), 'rehearsed'), 'rehearsed=20',
    'and as many others as are wanted'
);

SELECT * FROM finish();
ROLLBACK;
