-- One header to one column by the greatest total, what is left to chance is told, and it is quick.
BEGIN;
\ir ../setup.psql
SELECT plan(18);

-- the assignment by itself: three left, three right things
SELECT is(
    pgimport._assign('{1,1,2}', '{1,2,1}', '{90,85,88}'), '{2,3}',
    'two good pairs go before the best one alone'
);
SELECT is(
    pgimport._assign('{1,2}', '{1,1}', '{5,5}'), '{1}', 'at a tie the first left thing wins'
);
SELECT is(pgimport._assign('{1,1}', '{4,2}', '{5,5}'), '{1}', 'and its first pair');
SELECT is(
    pgimport._assign('{1,2}', '{1,1}', '{1,1000}'), '{2}', 'one may have to go without'
);
SELECT is(
    pgimport._assign('{1,1,2,2,3}', '{1,2,2,3,3}', '{10,9,10,9,10}'), '{1,3,5}',
    'a chain is not moved without a gain'
);
SELECT is(
    pgimport._assign('{1,1,2,2,3}', '{1,2,2,3,1}', '{10,9,10,9,10}'), '{2,4,5}',
    'and is moved to its end for one'
);
SELECT is(pgimport._assign('{}', '{}', '{}'), '{}', 'nothing is given to nobody');

-- the greatest of all sums over random pairs, found by trying them all
CREATE FUNCTION pgimport_test.best_sum(p_weights integer[])
RETURNS integer
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $best_sum$
BEGIN
    RETURN (
        SELECT max(p_weights[1][a.i] + p_weights[2][b.i] + p_weights[3][c.i] + p_weights[4][d.i])
        FROM generate_series(1, 4) AS a (i), generate_series(1, 4) AS b (i),
            generate_series(1, 4) AS c (i), generate_series(1, 4) AS d (i)
        WHERE a.i NOT IN (b.i, c.i, d.i) AND b.i NOT IN (c.i, d.i) AND c.i <> d.i
    );
END;
$best_sum$;
SELECT setseed(0.4);
CREATE TEMPORARY TABLE tried AS
SELECT t.trial, l.i AS l, r.i AS r, (random() * 9)::integer AS weight
FROM generate_series(1, 200) AS t (trial)
CROSS JOIN generate_series(1, 4) AS l (i)
CROSS JOIN generate_series(1, 4) AS r (i);
SELECT is_empty(
    $$SELECT q.trial FROM (
        SELECT
            t.trial, array_agg(t.l ORDER BY t.l, t.r) FILTER (WHERE t.weight > 0) AS l,
            array_agg(t.r ORDER BY t.l, t.r) FILTER (WHERE t.weight > 0) AS r,
            array_agg(t.weight::bigint ORDER BY t.l, t.r) FILTER (WHERE t.weight > 0) AS w,
            ARRAY[
                array_agg(t.weight ORDER BY t.r) FILTER (WHERE t.l = 1),
                array_agg(t.weight ORDER BY t.r) FILTER (WHERE t.l = 2),
                array_agg(t.weight ORDER BY t.r) FILTER (WHERE t.l = 3),
                array_agg(t.weight ORDER BY t.r) FILTER (WHERE t.l = 4)
            ] AS weights
        FROM pg_temp.tried AS t GROUP BY t.trial
    ) AS q
    WHERE pgimport_test.best_sum(q.weights) <> (
        SELECT sum(q.w[c.i]) FROM unnest(pgimport._assign(q.l, q.r, q.w)) AS c (i)
    )$$,
    'no other assignment has a greater sum, in two hundred random cases'
);

-- headers
CREATE TABLE pgimport_test.things (
    the_key integer PRIMARY KEY, customer_name text, customer_names text, b text, c text,
    "Größe" text, -- noqa: RF05
    "цена" text, -- noqa: RF06
    import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.things', 'things', '{the_key}');
SELECT pgimport.set_column('things', 'b', '{"aliases": ["Kennung", "Los"]}');
SELECT pgimport.set_column('things', 'c', '{"aliases": ["Kennung"]}');
CREATE FUNCTION pgimport_test.mapped(p_header text[])
RETURNS text
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT
        string_agg(
            concat(m ->> 'header', ' > ', m ->> 'column', ' (' || (m ->> 'how') || ')'), '; '
            ORDER BY (m -> 'position')::integer
        )
    FROM jsonb_array_elements(pgimport.suggest_mapping('things', p_header) -> 'mapping') AS m;
END;

SELECT is(
    pgimport_test.mapped('{Kennung,Los}'), 'Kennung > c (alias); Los > b (alias)',
    'an alias of two columns leaves the one that another field needs'
);
SELECT is(
    pgimport_test.mapped('{custmer_nam,custmer_names}'),
    'custmer_nam > customer_name (similarity); custmer_names > customer_names (similarity)',
    'so does likeness'
);
SELECT is(
    pgimport_test.mapped('{ЦЕНА,GRÖSSE}'),
    'ЦЕНА > цена (normalised); GRÖSSE > Größe (normalised)',
    'names in other alphabets are found in any case'
);
SELECT is(
    pgimport.suggest_mapping('things', '{Customer Name,CUSTOMER-NAME}') -> 'warnings',
    '["column \"customer_name\" is as like field \"CUSTOMER-NAME\" as field \"Customer Name\", which was chosen"]'::jsonb, -- noqa: LT05
    'two spellings of one column are told'
);
SELECT is(
    pgimport.suggest_mapping('things', '{Kennung}') -> 'warnings',
    '["field \"Kennung\" is as like column \"c\" as column \"b\", which was chosen"]'::jsonb,
    'so is an alias of two columns'
);
SELECT is(
    pgimport.suggest_mapping('things', ARRAY['Kennung', ' Kennung']) -> 'warnings',
    '["fields \"Kennung\" and \" Kennung\" might as well go to each other''s columns \"b\" and \"c\""]'::jsonb, -- noqa: LT05
    'and so is what might as well change places'
);
SELECT is(
    pgimport_test.mapped(ARRAY['b', 'b', 'Los']), 'b > b (exact); b > ; Los > ',
    'the second field of a name takes no part, not even by an alias'
);

-- speed: fields and columns by the hundred, misspelt
DO $wide$
BEGIN
    EXECUTE (
        SELECT format('CREATE TABLE pgimport_test.wide (the_key integer PRIMARY KEY, %s)',
            string_agg(format('%I text', a.word || '_' || b.word), ', '))
        FROM unnest('{customer,order,billing,invoice,product,supplier,payment,account,contact,
            project,employee,vehicle,machine,contract}'::text[]) AS a (word)
        CROSS JOIN unnest('{name,number,date,status,amount,total,code,type,reference,comment,
            quantity,price,category,owner}'::text[]) AS b (word)
    );
END;
$wide$;
SELECT pgimport.register_target('pgimport_test.wide', 'wide', '{the_key}');
SELECT array_agg(concat(left(a.attname, 3), substr(a.attname, 5)) ORDER BY a.attnum) AS header
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = 'pgimport_test.wide'::regclass AND a.attnum BETWEEN 2 AND 197
\gset
SELECT extract(EPOCH FROM clock_timestamp()) AS begun \gset
SELECT pgimport.suggest_mapping('wide', :'header') AS answer \gset
SELECT cmp_ok(
    extract(EPOCH FROM clock_timestamp()) - :begun, '<', 1.5,
    'two hundred misspelt fields find their columns in a moment'
);
SELECT is(
    (
        SELECT count(*) FROM jsonb_array_elements(:'answer'::jsonb -> 'mapping') AS m
        WHERE concat(left(m ->> 'column', 3), substr(m ->> 'column', 5)) = m ->> 'header'
    ),
    196::bigint, 'each the right one'
);
SELECT is(:'answer'::jsonb -> 'warnings', '[]'::jsonb, 'and nothing is left to chance');

SELECT * FROM finish();
ROLLBACK;
