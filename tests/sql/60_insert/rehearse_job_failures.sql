-- A rehearsal finds each row that the insert would break on, and why.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(20);

-- rows
SELECT pgimport_test.things_job('{code}', 'a', 'bad1', 'b', 'drop1', 'c', 'bad2') AS job \gset
SELECT pgimport.rehearse_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'passed', 'rehearsed', 'would_insert', 'failed'),
    'success=true passed=false rehearsed=6 would_insert=3 failed=3',
    'the rows that fail are counted, and those that would be inserted'
);
SELECT is(
    pgimport_test.failures(:'answer'),
    '2 3 P7777 goodness code; 4 5 PI401; 6 7 P7777 goodness code',
    'each is named by row and line, with SQLSTATE, constraint and column'
);
SELECT is(
    :'answer'::jsonb #> '{failures,0}',
    '{"file_no": 1, "file": "a.csv", "row_no": 2, "line_no": 3, "sqlstate": "P7777",
      "message": "bad1 is bad, with ", "constraint": "goodness", "column": "code",
      "table": null}'::jsonb,
    'with the message, and without the DETAIL, which may quote what one may not see'
);
SELECT is(
    :'answer'::jsonb #>> '{failures,1,message}', 'a trigger or rule of the table dropped the row',
    'a row that a trigger drops is told as such'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.things), 0, 'and nothing was written'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=P7777', 'the insert breaks, as the rehearsal foretold'
);

SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(pgimport_test.things_job(
        '{code}', 'a', 'internal1', 'undo1', 'b'
    ))), '2 3 XX000; 3 4 RHRSL', 'whatever code a trigger raises is told, and ends nothing'
);

-- all rows fail
SELECT pgimport_test.things_job(
    '{code}', VARIADIC array(SELECT 'bad' || i FROM generate_series(1, 120) AS i)
) AS hundred \gset
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'hundred'), 'rehearsed', 'would_insert', 'failed'
    ), 'rehearsed=120 would_insert=0 failed=120', 'every failing row is counted'
);
SELECT is(
    jsonb_array_length(pgimport.rehearse_job(:'hundred') -> 'failures'), 100,
    'a hundred of them are listed'
);
SELECT pgimport_test.things_job(
    '{code}', VARIADIC array(SELECT 'bad' || i FROM generate_series(1, 1100) AS i)
) AS thousand \gset
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'thousand', 0), 'rehearsed', 'failed'),
    'rehearsed=1000 failed=1000', 'after a thousand failing rows a rehearsal gives up'
);
SELECT matches(
    pgimport.rehearse_job(:'thousand', 0) ->> 'warnings', 'given up after 1000 of 1100 rows',
    'and says so'
);

-- sensitive values
SELECT pgimport.set_column('things', 'secret', '{"sensitive": true}');
SELECT pgimport_test.things_job('{code,secret}', 'bad,Rosebud', 'worse,x') AS secret \gset
SELECT is(
    pgimport.rehearse_job(:'secret') #>> '{failures,0,message}', 'bad is bad, with ***',
    'a sensitive value is taken out of the message'
);
SELECT pgimport.set_column('things', 'secret', '{}');

-- what other tables hold, after the check
CREATE TABLE pgimport_test.parents (code text PRIMARY KEY);
INSERT INTO pgimport_test.parents VALUES ('p1'), ('p2');
ALTER TABLE pgimport_test.things ADD CONSTRAINT things_parent_fkey
FOREIGN KEY (parent) REFERENCES pgimport_test.parents (code);
SELECT pgimport_test.things_job('{code,parent}', 'x,p1', 'y,p2', 'z,p1') AS orphans \gset
DELETE FROM pgimport_test.parents
WHERE code = 'p1';
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'orphans')),
    '1 2 23503 things_parent_fkey; 3 4 23503 things_parent_fkey',
    'rows that refer to what is gone are found'
);
ALTER TABLE pgimport_test.things ALTER CONSTRAINT things_parent_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'orphans'), 'clean_count'), 'clean_count=1',
    'the check finds them, too'
);
INSERT INTO pgimport_test.parents VALUES ('p1');
SELECT pgimport.check_job(:'orphans');
DELETE FROM pgimport_test.parents
WHERE code = 'p1';
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'orphans')),
    '1 2 23503 things_parent_fkey; 3 4 23503 things_parent_fkey',
    'also where the constraint is deferred'
);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE pgimport_test.things DROP CONSTRAINT things_parent_fkey;

-- a table that refers to itself
ALTER TABLE pgimport_test.things ADD CONSTRAINT things_self_fkey
FOREIGN KEY (parent) REFERENCES pgimport_test.things (code);
SELECT pgimport_test.things_job('{code,parent}', 'leaf,twig', 'twig,root', 'root,') AS tree \gset
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'tree'), 'passed', 'would_insert'),
    'passed=true would_insert=3', 'rows may refer to later rows of the job'
);
SELECT pgimport_test.things_job(
    '{code,parent}', 'leaf,twig', 'bad,', 'twig,root', 'root,', 'fruit,bad'
) AS broken \gset
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'broken')),
    '2 3 P7777 goodness code; 5 6 23503 things_self_fkey',
    'where a row fails, those that refer to it fail, and only those'
);
SELECT pgimport_test.things_job(
    '{code,parent}', VARIADIC array(
        SELECT format('n%s,%s', i, 'n' || nullif((i + 1) % 40, 0)) FROM generate_series(1, 39) AS i
    )
) AS chain \gset
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'chain', 5), 'failed'), 'failed=0',
    'in a sample, a row whose counterpart is not in the sample does not fail'
);
SELECT matches(
    pgimport.rehearse_job(:'chain', 5) ->> 'warnings',
    'refers? to others of the job that were not rehearsed: rehearse all rows',
    'but a warning tells how to know'
);
ALTER TABLE pgimport_test.things DROP CONSTRAINT things_self_fkey;

-- rows that exclude each other only in the eyes of a trigger
CREATE FUNCTION pgimport_test.one_of_a_kind()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF (SELECT count(*) FROM pgimport_test.things AS t WHERE t.amount = new.amount) > 1 THEN
        RAISE EXCEPTION 'there is one with amount % already', new.amount USING ERRCODE = '23505';
    END IF;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER one_of_a_kind AFTER INSERT ON pgimport_test.things
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pgimport_test.one_of_a_kind();
SELECT pgimport_test.things_job('{code,amount}', 'z,1', 'b,2', 'a,1', 'c,3') AS pairs \gset
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'pairs')), '3 4 23505',
    'of rows in conflict the later one of the file is named'
);
DROP TRIGGER one_of_a_kind ON pgimport_test.things;

SELECT * FROM finish();
ROLLBACK;
