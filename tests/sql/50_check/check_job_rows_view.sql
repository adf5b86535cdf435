BEGIN;
\ir ../setup.psql
SELECT plan(7);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY[
        pgimport_test.merchant() || ',A,5', pgimport_test.merchant() || ',A,6',
        pgimport_test.merchant() || ',OLD,7', pgimport_test.merchant() || ',B,many'
    ]
);
SELECT pgimport.check_job(:'job');
SELECT format('job_%s_rows', replace(:'job', '-', '')) AS rows_view \gset
SELECT format('pgimport_staging.%I', :'rows_view') AS staged_rows \gset

SELECT results_eq(
    format(
        'SELECT file_no, row_no, line_no, class, is_internal_duplicate, is_database_duplicate, '
        'code, points FROM pgimport_staging.%I ORDER BY row_no', :'rows_view'
    ),
    $$VALUES
        (1, 1::bigint, 2::bigint, 'insert', false, false, 'A', 5),
        (1, 2::bigint, 3::bigint, 'skip', true, false, 'A', 6),
        (1, 3::bigint, 4::bigint, 'skip', false, true, 'OLD', 7),
        (1, 4::bigint, 5::bigint, 'invalid', false, false, NULL, NULL::integer)$$,
    'the view of a job shows each staged row with class, flags and typed values'
);
SELECT results_eq(
    format('SELECT issues FROM %s WHERE row_no = 4', :'staged_rows'),
    $$VALUES (ARRAY['"many" is not an integer'])$$, 'and the messages of its issues'
);
SELECT col_type_is(
    'pgimport_staging', :'rows_view', 'merchant_id', 'uuid', 'its columns have the target''s types'
);
SELECT pgimport.check_job(:'job');
SELECT has_view('pgimport_staging', :'rows_view', 'a second check makes it anew');
SELECT results_eq(
    format('SELECT count(*)::integer FROM %s', :'staged_rows'), 'VALUES (4)', 'with the same rows'
);

-- a target with columns named like those of the view
CREATE TABLE pgimport_test.clash (code text PRIMARY KEY, row_no integer, class text, file_no text);
SELECT pgimport.register_target('pgimport_test.clash', 'clash', '{code}', '{}');
SELECT pgimport_test.new_job('{}', 'clash') AS clash \gset
SELECT lives_ok(
    format($$SELECT pgimport_test.stage(%L, '{code,class}', '{"A,first"}')$$, :'clash'),
    'a target may have columns named like those of the staging tables'
);
SELECT pgimport.check_job(:'clash');
SELECT format('pgimport_staging.job_%s_rows', replace(:'clash', '-', '')) AS clash_view \gset
SELECT results_eq(
    format('SELECT class, class_value FROM %s', :'clash_view'), $$VALUES ('insert', 'first')$$,
    'a column named like one of the view gets the suffix _value'
);

SELECT * FROM finish();
ROLLBACK;
