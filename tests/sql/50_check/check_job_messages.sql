BEGIN;
\ir ../setup.psql
SELECT plan(8);

SELECT pgimport_test.codes_target();
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY[
        pgimport_test.merchant() || ',A,1', pgimport_test.merchant() || ',,2',
        pgimport_test.merchant() || ',C,many'
    ]
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code}', ARRAY['oops,D'], '{"header": false}', 'b.csv'
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code}', ARRAY['oops,E'], '{"line_offset": 10}', 'c.csv'
);

SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT file_no, row_no, line_no, column_name, code, severity, message, value '
        'FROM pgimport.issue WHERE job_id = %L ORDER BY issue_id', :'job'
    ),
    $$VALUES
        (1, 2::bigint, 3::bigint, 'code', 'required', 'error', 'a value is required', NULL),
        (1, 3::bigint, 4::bigint, 'points', 'bad_integer', 'error',
            '"many" is not an integer', 'many'),
        (2, 1::bigint, 1::bigint, 'merchant_id', 'bad_uuid', 'error', '"oops" is not a UUID', 'oops'),
        (3, 1::bigint, 11::bigint, 'merchant_id', 'bad_uuid', 'error', '"oops" is not a UUID',
            'oops')$$,
    'an issue names file, row, physical line, column, code, message and value'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.issue AS i
        WHERE i.job_id = :'job' AND i.hint <> ''
    ),
    4, 'and every issue has a hint'
);

-- the row-by-row path gives the line itself
SELECT pgimport_test.new_job() AS lined \gset
SELECT pgimport.stage_file(:'lined', 'a.csv', '{merchant_id,code}');
SELECT format(
    'INSERT INTO pgimport_staging.job_%s_f1 (line_no, merchant_id, code) '
    'VALUES (17, ''oops'', ''X''), (23, %L, ''Y'')',
    replace(:'lined', '-', ''), pgimport_test.merchant()
) AS statement \gexec
SELECT pgimport.finish_file(:'lined', 1, 2);
SELECT pgimport.check_job(:'lined');
SELECT is(
    (
        SELECT i.line_no FROM pgimport.issue AS i
        WHERE i.job_id = :'lined'
    ), 17::bigint,
    'a line number given while staging is the one of the issue'
);

SELECT set_config('pgimport.language', 'fr', true);
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format('SELECT message FROM pgimport.issue WHERE job_id = %L ORDER BY issue_id', :'job'),
    $$VALUES
        ('valeur obligatoire manquante'), ('« many » n''est pas un nombre entier'),
        ('« oops » n''est pas un UUID'), ('« oops » n''est pas un UUID')$$,
    'with pgimport.language = fr the messages are French'
);
SELECT results_eq(
    format('SELECT code FROM pgimport.issue WHERE job_id = %L ORDER BY issue_id', :'job'),
    $$VALUES ('required'), ('bad_integer'), ('bad_uuid'), ('bad_uuid')$$,
    'the codes are the same in every language'
);
SELECT set_config('pgimport.language', 'en', true);
SELECT pgimport.check_job(:'job');
SELECT is(
    (
        SELECT min(i.message) FROM pgimport.issue AS i
        WHERE i.job_id = :'job' AND i.code = 'required'
    ),
    'a value is required', 'and English again with en'
);

-- very long values
SELECT pgimport_test.new_job() AS long \gset
SELECT pgimport_test.stage(
    :'long', '{merchant_id,code}', ARRAY[repeat('x', 5000) || ',A']
);
SELECT pgimport.check_job(:'long');
SELECT is(
    (
        SELECT length(i.value) FROM pgimport.issue AS i
        WHERE i.job_id = :'long'
    ), 1000,
    'of a very long value the first 1000 characters are kept'
);
SELECT cmp_ok(
    (
        SELECT length(i.message) FROM pgimport.issue AS i
        WHERE i.job_id = :'long'
    ), '<', 200,
    'and its message is short'
);

SELECT * FROM finish();
ROLLBACK;
