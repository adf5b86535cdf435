-- Corrections, and each step of the check by itself, in a job that updates.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(8);

SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,name,age,mail}', '{"a,A,-1,a@x","b,B,2,a@x","n,,3,n@x","c,C,4,ann@x"}'
);
SELECT is(
    pgimport_test.pick(pgimport.validate_job(:'job'), 'total_rows', 'validation_errors'),
    'total_rows=4 validation_errors=2', 'values are judged before duplicates are marked'
);
SELECT is_empty(
    $$SELECT c.relname FROM pg_class AS c WHERE c.relname LIKE 'job\_%\_merged'$$,
    'and nothing is left behind'
);
SELECT is(
    pgimport_test.pick(pgimport.mark_duplicates(:'job'), 'database_duplicates', 'clean_count'),
    'database_duplicates=1 clean_count=0', 'rows that are in the target are marked'
);
SELECT is(
    pgimport_test.classes(:'job'),
    'invalid check:people_age_check, update, invalid required, invalid unique:people_mail_key',
    'each row is judged as what it will be'
);
SELECT is_empty(
    $$SELECT c.relname FROM pg_class AS c WHERE c.relname LIKE 'job\_%\_merged'$$,
    'and nothing is left behind'
);

-- runs a statement on the staging tables of a job
CREATE FUNCTION pgimport_test.staged(p_job_id uuid, p_statement text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE replace(
        p_statement, '{job}', format('pgimport_staging.job_%s', replace(p_job_id::text, '-', ''))
    );
END;
$$;
-- corrected in place, as apply_fix does it
SELECT pgimport_test.staged(:'job', s) FROM unnest(ARRAY[
        $$UPDATE {job}_f1 SET age = '1' WHERE code = 'a'$$,
        $$UPDATE {job}_f1 SET name = 'N' WHERE code = 'n'$$,
        'CREATE UNLOGGED TABLE {job}_fixed (file_no integer, row_no bigint)',
        'INSERT INTO {job}_fixed VALUES (1, 1), (1, 3)'
    ]) AS s;
SELECT pgimport._recheck_rows(j) FROM pgimport.job AS j
WHERE j.job_id = :'job';
SELECT is(
    pgimport_test.classes(:'job'),
    'update, invalid unique:people_mail_key, insert, invalid unique:people_mail_key',
    'rows that were corrected are judged as what they are now'
);
SELECT pgimport_test.classes(:'job') AS alone \gset
SELECT pgimport.check_job(:'job');
SELECT is(pgimport_test.classes(:'job'), :'alone', 'a check of all rows says the same');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted', 'rows_updated'),
    'status=completed rows_inserted=1 rows_updated=1', 'and they go in'
);

SELECT * FROM finish();
ROLLBACK;
