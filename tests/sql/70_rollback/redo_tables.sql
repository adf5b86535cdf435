-- What proves the rows of a completed job outlives its staged rows; a job without rows has nothing.
BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(14);
SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');

-- suffixes of the tables that a job has
CREATE FUNCTION pgimport_test.tables_of(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $tables_of$
BEGIN
    RETURN (
        SELECT coalesce(
            string_agg(substr(c.relname, 37), ' ' ORDER BY c.relname COLLATE "C"), 'none'
        )
        FROM pg_class AS c
        WHERE c.relname LIKE concat('job\_', replace(p_job_id::text, '-', ''), '%')
            AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'nothing'
    );
END;
$tables_of$;

INSERT INTO pgimport_test.item (id, name, price, email) VALUES (1, 'one', 1, 'a@x');
SELECT pgimport_test.items_job('{"1,uno,1,a@x","3,tre,3,c@x"}') AS job \gset
SELECT pgimport_test.items() AS after_insert \gset
SELECT pgimport.clear_staging(:'job');
SELECT is(
    pgimport_test.tables_of(:'job'), '_image _print',
    'clear_staging leaves the proofs of a completed job'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=2', 'which is verified'
);
SELECT pgimport.clear_target_staging('items');
SELECT is(
    pgimport_test.tables_of(:'job'), '_image _print', 'so does clear_target_staging'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=1 rows_restored=1', 'and rolled back'
);
SELECT is(pgimport_test.items(), '1 one 1.00 none a@x', 'to what was before it');
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'job'), 'PI315', NULL,
    'only a redo needs the staged rows'
);

-- a redo makes them anew
SELECT pgimport_test.items_job('{"1,uno,1,a@x","3,tre,3,c@x"}') AS again \gset
SELECT pgimport.rollback_job(:'again');
UPDATE pgimport_test.item SET name = 'first'
WHERE id = 1;
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'again'), 'success', 'rows_inserted', 'rows_updated'),
    'success=true rows_inserted=1 rows_updated=1', 'a redo updates rows again'
);
SELECT is(pgimport_test.items(), :'after_insert', 'with the same result');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'again'), 'success', 'rows_deleted', 'rows_restored'),
    'success=true rows_deleted=1 rows_restored=1', 'its rollback'
);
SELECT is(
    pgimport_test.items(), '1 first 1.00 none a@x',
    'restores what was there before the redo, not before the first insert'
);

-- a row of the job that became a row of others: an update now
INSERT INTO pgimport_test.item (id, name, price) VALUES (3, 'three', 3);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'again'), 'success', 'rows_inserted', 'rows_updated'),
    'success=true rows_inserted=0 rows_updated=2', 'a row that is there by now is updated'
);
SELECT pgimport.rollback_job(:'again');
SELECT is(
    pgimport_test.items(), '1 first 1.00 none a@x; 3 three 3.00 none', 'and restored, not deleted'
);

-- given up
CREATE FUNCTION pgimport_test.refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''not today''; END';
CREATE TRIGGER refuse BEFORE UPDATE ON pgimport_test.item
FOR EACH ROW EXECUTE FUNCTION pgimport_test.refuse();
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'again'), 'success', 'status', 'code'),
    'success=false status=failed code=PI404', 'a redo that fails'
);
SELECT pgimport.cancel_job(:'again');
SELECT is(pgimport_test.tables_of(:'again'), 'none', 'and is cancelled leaves no table');

SELECT * FROM finish();
ROLLBACK;
