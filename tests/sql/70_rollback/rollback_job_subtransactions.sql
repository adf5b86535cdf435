BEGIN;
\ir ../setup.psql
SELECT plan(8);

SELECT pgimport_test.codes_target();

-- inserted inside somebody's exception block
SELECT pgimport_test.checked_job('{A,B}') AS caught \gset
CREATE FUNCTION pgimport_test.insert_inside(p_job_id uuid)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    BEGIN
        RETURN pgimport.insert_job(p_job_id);
    EXCEPTION
        WHEN division_by_zero THEN
            RETURN NULL;
    END;
END;
$$;
SELECT pgimport_test.insert_inside(:'caught');
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'caught'), 'delete', 'modified'),
    'delete=2 modified=0', 'rows inserted inside an exception block are known as untouched'
);

-- inserted after a savepoint
SELECT pgimport_test.checked_job('{C,D}') AS saved \gset
SELECT 'SAVEPOINT one' AS statement \gexec
SELECT 'SAVEPOINT two' AS statement \gexec
SELECT pgimport.insert_job(:'saved');
SELECT 'RELEASE SAVEPOINT two' AS statement \gexec
SELECT 'RELEASE SAVEPOINT one' AS statement \gexec
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'saved'), 'delete', 'modified'),
    'delete=2 modified=0', 'so are rows inserted after a savepoint'
);

-- an insert that was undone by its caller
SELECT pgimport_test.checked_job('{E}') AS undone \gset
SELECT 'SAVEPOINT one' AS statement \gexec
SELECT pgimport.insert_job(:'undone');
SELECT 'ROLLBACK TO SAVEPOINT one' AS statement \gexec
SELECT is(
    (
        SELECT j.status FROM pgimport.job AS j
        WHERE j.job_id = :'undone'
    ), 'checked',
    'an insert that its caller rolled back never happened'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'undone'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=1', 'and can be done again'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'undone'), 'delete', 'modified'),
    'delete=1 modified=0', 'with its rows known as untouched'
);

-- a change in the same transaction as the insert
UPDATE pgimport_test.codes SET sku = 'same transaction'
WHERE code = 'C';
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'saved'), 'delete', 'modified'),
    'delete=1 modified=1', 'a change in the transaction of the insert counts as one'
);

-- a rollback that was undone by its caller
SELECT 'SAVEPOINT one' AS statement \gexec
SELECT pgimport.rollback_job(:'caught');
SELECT 'ROLLBACK TO SAVEPOINT one' AS statement \gexec
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.codes AS c
        WHERE c.import_job_id = :'caught'
    ), 2,
    'a rollback that its caller rolled back never happened'
);
SELECT is(
    pgimport_test.pick(pgimport_test.insert_inside(:'caught'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=2', 'and the job is completed as before'
);

SELECT * FROM finish();
ROLLBACK;
