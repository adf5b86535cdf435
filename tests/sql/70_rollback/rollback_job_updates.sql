BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(22);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
INSERT INTO pgimport_test.item (id, name, price, note, email) VALUES
(1, 'one', 1.50, 'n1', 'a@x'), (2, 'two', NULL, 'n2', 'b@x'), (3, NULL, 3.00, 'n3', 'c@x');
SELECT pgimport_test.items() AS before \gset

-- untouched
SELECT pgimport_test.items_job(
    '{"1,uno,9.99,b2@x","2,due,2,two@x","3,,7,c@x","4,quattro,4,d@x"}'
) AS job \gset
SELECT is(
    pgimport_test.items(),
    '1 uno 9.99 n1 b2@x; 2 due 2.00 n2 two@x; 3 - 7.00 n3 c@x; 4 quattro 4.00 none d@x',
    'the job updated and inserted'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job'), 'success', 'status', 'rows_deleted', 'rows_restored',
        'rows_kept', 'inserted_originally', 'updated_originally'
    ),
    'success=true status=rolled_back rows_deleted=1 rows_restored=3 rows_kept=0 '
    'inserted_originally=1 updated_originally=3', 'updates are taken back with the inserts'
);
SELECT is(pgimport_test.items(), :'before', 'the table is as it was, to the last digit');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=0 actual_count=0', 'and verified'
);

-- modified: refuse
SELECT pgimport_test.items_job('{"1,uno,9.99,a@x","2,due,2,b@x","5,cinque,5,e@x"}') AS job \gset
UPDATE pgimport_test.item SET name = 'edited', note = 'mine'
WHERE id = 1;
UPDATE pgimport_test.item SET price = 6
WHERE id = 5;
SELECT pgimport_test.items() AS edited \gset
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'code', 'status'),
    'success=false code=PI504 status=completed', 'modified rows stop a rollback'
);
SELECT is(pgimport_test.items(), :'edited', 'which then has changed nothing');

-- keep_modified, and then the transaction is given up
SELECT 'SAVEPOINT modes' AS statement \gexec
SELECT pgimport.rollback_job(:'job', 'keep_modified') AS kept \gset
SELECT is(
    pgimport_test.pick(:'kept', 'success', 'status', 'rows_deleted', 'rows_restored', 'rows_kept'),
    'success=true status=rolled_back rows_deleted=0 rows_restored=1 rows_kept=2',
    'keep_modified: what others have written stays'
);
SELECT is(
    pgimport_test.items(),
    '1 edited 1.50 mine a@x; 2 two n2 b@x; 3 - 3.00 n3 c@x; 5 cinque 6.00 none e@x',
    'an updated row goes back column by column, an inserted one that was edited stays'
);
SELECT is(
    pgimport_test.plan_rows(:'job', 'kept'), 'inserted 5 {price}; updated 1 {name}',
    'every kept row and column is listed'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=1 actual_count=1', 'the kept row is what the job is verified by'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job', 'force'), 'success', 'rows_deleted'),
    'success=true rows_deleted=0', 'a second rollback changes nothing and says so'
);
SELECT 'ROLLBACK TO SAVEPOINT modes' AS statement \gexec

-- force
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', 'force'), 'success', 'rows_deleted', 'rows_restored',
        'rows_kept'
    ), 'success=true rows_deleted=1 rows_restored=2 rows_kept=0',
    'force: what others have written goes, too'
);
SELECT is(
    pgimport_test.items(), '1 one 1.50 mine a@x; 2 two n2 b@x; 3 - 3.00 n3 c@x',
    'in the columns that the job wrote'
);

-- values that look alike
CREATE TABLE pgimport_test.exact (
    k text PRIMARY KEY, n numeric, f double precision, j jsonb, a text[], t text, b bytea,
    d timestamptz
);
SELECT pgimport.register_target('pgimport_test.exact', 'exact', '{k}', '{}');
INSERT INTO pgimport_test.exact VALUES
('a', 1.10, '-0', 'null', '{}', '', '\x', 'infinity'),
('b', 'NaN', 'NaN', NULL, NULL, NULL, NULL, NULL),
('c', 100, '1e-300', '{"a": 1.0}', '{NULL,""}', E'a\tb', '\x00ff', '-infinity');
SELECT md5(string_agg(e::text, ';' ORDER BY e.k)) AS exact FROM pgimport_test.exact AS e \gset
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'exact') AS exact_job \gset
SELECT pgimport_test.stage(
    :'exact_job', '{k,n,f,j,t,b}',
    '{"a,1.1,0,0,x,\\x01","b,1.0,1,null,x,\\x","c,100.0,2,1,x,\\x02"}'
);
SELECT pgimport.check_job(:'exact_job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'exact_job'), 'success', 'rows_updated'),
    'success=true rows_updated=3', 'values that are equal but not the same are updates'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'exact_job'), 'success', 'rows_restored'),
    'success=true rows_restored=3', 'of every type'
);
SELECT is(
    (SELECT md5(string_agg(e::text, ';' ORDER BY e.k)) FROM pgimport_test.exact AS e), :'exact',
    'and come back exactly: -0, NaN, scale, infinity, jsonb null, empty and missing'
);

-- a trigger that keeps a row
CREATE FUNCTION pgimport_test.keep_three()
RETURNS trigger
LANGUAGE plpgsql
AS $keep_three$
BEGIN
    RETURN CASE WHEN old.id = 3 AND new.name IS NULL THEN NULL ELSE new END;
END;
$keep_three$;
SELECT pgimport_test.items_job('{"3,tre,3,c@x","7,sette,7,g@x"}') AS stuck \gset
CREATE TRIGGER keep_three BEFORE UPDATE ON pgimport_test.item
FOR EACH ROW EXECUTE FUNCTION pgimport_test.keep_three();
SELECT matches(
    pgimport.plan_rollback(:'stuck') #>> '{warnings,0}', 'triggers will fire: "keep_three"',
    'triggers that will fire are told'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'stuck'), 'PI505', NULL,
    'a rollback that does not do what was planned is undone as a whole'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.item AS i
        WHERE i.id = 7
    ), 1,
    'also what it had deleted'
);
DROP TRIGGER keep_three ON pgimport_test.item;

-- a column that is gone
ALTER TABLE pgimport_test.item DROP COLUMN price;
SELECT pgimport.plan_rollback(:'stuck') AS lost \gset
SELECT is(
    pgimport_test.pick(:'lost', 'delete', 'restore'), 'delete=1 restore=1',
    'without a column that was updated the others still go back'
);
SELECT matches(
    :'lost'::jsonb #>> '{warnings,0}', 'columns "price" are gone', 'and the plan says so'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'stuck'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=1 rows_restored=1', 'which the rollback does'
);

SELECT * FROM finish();
ROLLBACK;
