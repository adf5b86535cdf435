BEGIN;
\ir ../setup.psql
SELECT plan(12);

SELECT pgimport_test.codes_target();
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY[
        pgimport_test.merchant() || ',A,1', pgimport_test.merchant() || ',A,2',
        pgimport_test.merchant() || ',B,x', pgimport_test.merchant() || ',C,3'
    ]
);
SELECT pgimport.validate_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'valid', 'total_rows', 'validation_errors',
        'new_database_duplicates'
    ),
    'success=true status=staged valid=false total_rows=4 validation_errors=1 '
    'new_database_duplicates=0',
    'validate_job finds wrong values and leaves the job staged'
);
SELECT is(
    :'answer'::jsonb -> 'errors',
    '[{"code": "bad_integer", "count": 1, "column": "points", "sample": "x"}]'::jsonb,
    'errors[] is by code and column'
);
SELECT matches(
    :'answer'::jsonb ->> 'message', 'duplicates not marked yet',
    'before the duplicates are marked it says so'
);
SELECT is(
    pgimport.validate_job(:'job'), :'answer'::jsonb, 'validating again answers the same'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL,
    'a job that is only validated is not inserted'
);

SELECT pgimport.mark_duplicates(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.validate_job(:'job'), 'status', 'total_clean', 'internal_duplicates',
        'new_database_duplicates'
    ),
    'status=checked total_clean=2 internal_duplicates=1 new_database_duplicates=0',
    'a marked job is validated without losing its marks'
);

-- rows that came since
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'C'), (pgimport_test.merchant(), 'UNRELATED');
SELECT is(
    pgimport_test.pick(
        pgimport.validate_job(:'job'), 'status', 'total_clean', 'database_duplicates',
        'new_database_duplicates'
    ),
    'status=checked total_clean=1 database_duplicates=1 new_database_duplicates=1',
    'duplicates that came into the target since are found'
);
SELECT is(
    pgimport_test.pick(pgimport.validate_job(:'job'), 'total_clean', 'new_database_duplicates'),
    'total_clean=1 new_database_duplicates=0', 'and are new only once'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'rows_inserted', 'new_database_duplicates'),
    'rows_inserted=1 new_database_duplicates=0', 'the insert leaves them out'
);

-- rows that were updated to a key of the job, in a table that is large beside it
INSERT INTO pgimport_test.codes (merchant_id, code)
SELECT
    pgimport_test.merchant() AS merchant_id,
    format('BULK%s', n) AS code
FROM generate_series(1, 2000) AS n;
ANALYZE pgimport_test.codes;
SELECT pgimport_test.checked_job('{U1,U2}') AS updated \gset
UPDATE pgimport_test.codes SET code = 'U1'
WHERE code = 'BULK7';
SELECT is(
    pgimport_test.pick(pgimport.validate_job(:'updated'), 'total_clean', 'new_database_duplicates'),
    'total_clean=1 new_database_duplicates=1',
    'a row that was changed to a key of a small job is found by the index'
);

-- rules that changed
SELECT pgimport_test.checked_job('{V1,V2}') AS changed \gset
SELECT pgimport.set_column('codes', 'code', '{"null_values": ["V1"]}');
SELECT is(
    pgimport_test.pick(pgimport.validate_job(:'changed'), 'status', 'validation_errors'),
    'status=staged validation_errors=1',
    'when the rules changed all values are checked anew, and the duplicates must be, too'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'changed'), 'status', 'clean_count'),
    'status=checked clean_count=1', 'as check_job does'
);

SELECT * FROM finish();
ROLLBACK;
