-- Which rows a sample has.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(3);

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

-- however the rows are drawn
SELECT pgimport_test.codes_target();
SELECT
    pgimport_test.checked_job(array(SELECT 'S' || i FROM generate_series(1, 50) AS i)) AS fifty
\gset
CREATE FUNCTION pgimport_test.drawn(p_job_id uuid, p_size integer, p_seed numeric)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $drawn$
BEGIN
    PERFORM setseed(p_seed);
    RETURN pgimport.rehearse_job(p_job_id, p_size) -> 'rehearsed';
END;
$drawn$;
SELECT is_empty(
    format(
        $$SELECT t.seed, t.size, t.drawn FROM (
            SELECT s.seed, s.size, pgimport_test.drawn(%L, s.size, s.seed) AS drawn
            FROM (
                VALUES (0.026, 20), (0.058, 20), (0.083, 20), (0.193, 20), (0.1, 48), (0.2, 49)
            ) AS s (seed, size)
        ) AS t WHERE t.drawn <> t.size$$,
        :'fifty'
    ),
    'a sample is never smaller than what was asked for, whatever is drawn'
);

SELECT * FROM finish();
ROLLBACK;
