BEGIN;
\ir ../setup.psql
SELECT plan(22);

SELECT pgimport_test.codes_target();

SELECT
    throws_ok(
        format('SELECT pgimport.%I(NULL::uuid)', f), 'PI001', NULL, f || ' without a job is refused'
    )
FROM unnest('{check_job,validate_job,mark_duplicates,preview_job}'::text[]) AS f;
SELECT
    throws_ok(
        format('SELECT pgimport.%I(''00000000-0000-0000-0000-000000000000'')', f),
        'PI101', NULL, f || ' of a job that does not exist is refused'
    )
FROM unnest('{check_job,validate_job,mark_duplicates,preview_job}'::text[]) AS f;

SELECT pgimport_test.new_job() AS empty \gset
SELECT
    throws_ok(
        format('SELECT pgimport.%I(%L)', f, :'empty'), 'PI306', NULL, f || ' needs a staged file'
    )
FROM unnest('{check_job,validate_job,mark_duplicates}'::text[]) AS f;
SELECT throws_ok(
    format('SELECT pgimport.preview_job(%L)', :'empty'), 'PI102', NULL,
    'preview_job needs a checked job'
);
SELECT pgimport.stage_file(:'empty', 'a.csv', '{merchant_id,code}');
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'empty'), 'PI305', NULL,
    'a file that is open and empty stops the check'
);

-- columns without any source
SELECT pgimport_test.new_job() AS partial \gset
SELECT pgimport_test.stage(:'partial', '{code,sku}', '{"A,1"}');
SELECT
    throws_ok(
        format('SELECT pgimport.%I(%L)', f, :'partial'), 'PI207', NULL,
        f || ' refuses files without a required column'
    )
FROM unnest('{check_job,validate_job,mark_duplicates}'::text[]) AS f;

-- a completed job
SELECT pgimport_test.completed_job('{A}') AS done \gset
SELECT
    throws_ok(
        format('SELECT pgimport.%I(%L)', f, :'done'),
        'PI102',
        NULL,
        f || ' of a completed job is refused'
    )
FROM unnest('{check_job,validate_job,mark_duplicates,preview_job}'::text[]) AS f;

-- rules changed after the check
SELECT pgimport_test.checked_job('{B}') AS stale \gset
SELECT pgimport.set_column('codes', 'sku', '{"null_values": ["SKU-1"]}');
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'stale'), 'PI102', NULL,
    'rules that changed after the check ask for a new check'
);
SELECT pgimport.check_job(:'stale');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'stale'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=1', 'after which the job is inserted'
);

SELECT * FROM finish();
ROLLBACK;
