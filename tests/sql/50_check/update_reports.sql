-- What reports and the view of the rows say of rows that are updated.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(6);

SELECT pgimport_test.people_job('{code,name}', 'a,Anna', 'a,Ana', 'n,New', 'n,Neu', 'm,') AS job
\gset
SELECT results_eq(
    format(
        'SELECT r.class, r.status FROM pgimport.row_report(%L) AS r ORDER BY r.row_no', :'job'
    ),
    $$VALUES ('update', 'DATABASE_DUPLICATE'), ('skip', 'BOTH_DUPLICATE'), ('insert', 'CLEAN'),
    ('skip', 'INTERNAL_DUPLICATE'), ('invalid', 'INVALID')$$,
    'a row that is updated has the status of a duplicate of the target, and a class of its own'
);
SELECT results_eq(
    format(
        'SELECT r.row_no FROM pgimport.duplicate_report(%L, true) AS r ORDER BY r.row_no', :'job'
    ),
    ARRAY[1, 2, 4]::bigint[], 'a report of duplicates lists it with the others'
);
SELECT results_eq(
    format(
        'SELECT r.class, r.name FROM pgimport_staging.%I AS r ORDER BY r.row_no',
        'job_' || replace(:'job', '-', '') || '_rows'
    ),
    $$VALUES ('update', 'Anna'), ('skip', 'Ana'), ('insert', 'New'), ('skip', 'Neu'),
    ('invalid', NULL)$$,
    'the view of the rows tells them apart, too'
);
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'would_insert', 'would_update', 'database_duplicates', 'message'
    ),
    'would_insert=1 would_update=1 database_duplicates=2 '
    'message=1 of 5 rows clean: 1 invalid, 3 duplicates, 1 of them to be updated',
    'the check counts what would be updated'
);

-- limits that refuse the job
SELECT pgimport_test.new_job(
    '{"on_duplicate": "update", "max_issues": 0}', 'people'
) AS limited \gset
SELECT pgimport_test.stage(:'limited', '{code,name}', '{"a,A","m,"}');
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'limited'), 'would_insert', 'would_update', 'refused_because.code'
    ),
    'would_insert=0 would_update=0 refused_because.code=PI402',
    'a job that its limits refuse updates nothing'
);

CREATE FUNCTION pgimport_test.nothing()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$BEGIN RETURN new; END$$;
CREATE TRIGGER on_change BEFORE UPDATE ON pgimport_test.people
FOR EACH ROW EXECUTE FUNCTION pgimport_test.nothing();
SELECT is(
    pgimport.check_job(:'job') -> 'warnings' ->> 0,
    'constraints are judged by the staged values; triggers may change them first: "on_change"; '
    'see pgimport.rehearse_job()', 'a trigger that may change what is updated is told'
);
SELECT * FROM finish();
ROLLBACK;
