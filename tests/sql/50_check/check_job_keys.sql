BEGIN;
\ir ../setup.psql
SELECT plan(12);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'OLD'), (pgimport_test.merchant(), 'BOTH');
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines(
    'A', 'A', 'OLD', 'BOTH', 'BOTH', 'B'
));
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}', '{"x,C,1","11111111-1111-4111-8111-111111111111,D,x"}',
    '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job') AS answer \gset

SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'target', 'valid', 'total_rows', 'total_clean',
        'clean_count', 'validation_errors', 'invalid_rows', 'internal_duplicates',
        'database_duplicates', 'both_duplicates', 'new_database_duplicates'
    ),
    'success=true status=checked target=pgimport_test.codes valid=false total_rows=8 '
    'total_clean=2 clean_count=2 validation_errors=2 invalid_rows=2 internal_duplicates=2 '
    'database_duplicates=3 both_duplicates=1 new_database_duplicates=0',
    'a check counts invalid rows and each kind of duplicate, and the clean rest'
);
SELECT is(
    :'answer'::jsonb ->> 'job_id', :'job', 'the answer of a check names its job'
);
SELECT is(
    :'answer'::jsonb -> 'counts' ->> 'clean_rows', '2', 'the counts of the envelope are filled'
);
SELECT is(
    :'answer'::jsonb -> 'counts' ->> 'files', '2', 'the envelope counts the files'
);
SELECT results_eq(
    format(
        'SELECT e ->> ''code'', e ->> ''column'', e ->> ''count'', e ->> ''sample'' '
        'FROM pg_catalog.jsonb_array_elements(%L::jsonb -> ''errors'') AS e', :'answer'
    ),
    $$VALUES ('bad_integer', 'points', '1', 'x'), ('bad_uuid', 'merchant_id', '1', 'x')$$,
    'errors[] has one element a code and column, with count and sample'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'both_duplicates', 'clean_count', 'counts', 'database_duplicates', 'details', 'errors',
        'internal_duplicates', 'invalid_rows', 'job_id', 'message', 'new_database_duplicates',
        'refused_because', 'status', 'success', 'target', 'total_clean', 'total_rows', 'valid',
        'validation_errors', 'warnings', 'would_insert', 'would_update'
    ],
    'check_job answers with the documented keys and no other'
);
SELECT is(
    pgimport.check_job(:'job'), :'answer'::jsonb,
    'a second check of the same rows answers the same'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.issue AS i
        WHERE i.job_id = :'job'
    ), 2,
    'and does not write the issues twice'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 2, 'a check writes nothing to the target'
);

-- clean rows only
SELECT pgimport_test.checked_job('{N1,N2}') AS clean \gset
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'clean'), 'valid', 'validation_errors', 'errors', 'clean_count',
        'message'
    ),
    'valid=true validation_errors=0 errors=[] clean_count=2 '
    'message=2 of 2 rows clean: 0 invalid, 0 duplicates',
    'a file without faults is valid'
);

-- an empty file is a file
SELECT pgimport_test.new_job() AS empty \gset
SELECT pgimport_test.stage(:'empty', '{merchant_id,code}', '{}'::text[]);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'empty'), 'status', 'total_rows', 'clean_count'),
    'status=checked total_rows=0 clean_count=0', 'a file without rows is checked like any other'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'empty'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=0', 'and inserted: nothing'
);

SELECT * FROM finish();
ROLLBACK;
