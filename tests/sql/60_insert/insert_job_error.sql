BEGIN;
\ir ../setup.psql
SELECT plan(11);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');

-- what a job on these codes answers that takes no duplicate
CREATE FUNCTION pgimport_test.strict_job(VARIADIC p_codes text[])
RETURNS uuid
LANGUAGE sql
VOLATILE
RETURN pgimport_test.checked_job(p_codes, '{"on_duplicate": "error"}');

SELECT pgimport_test.strict_job('A', 'OLD', 'B') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'success', 'database_duplicates', 'clean_count', 'would_insert',
        'refused_because.code', 'refused_because.message'
    ),
    'success=true database_duplicates=1 clean_count=2 would_insert=0 refused_because.code=PI405 '
    'refused_because.message=1 duplicate, and any refuses the job (on_duplicate error)',
    'a row that is there refuses the whole job, which the check tells'
);
SELECT is(
    pgimport_test.pick(pgimport.preview_job(:'job'), 'would_insert', 'refused_because.code'),
    'would_insert=0 refused_because.code=PI405', 'and the preview'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"dry_run": true}'), 'success', 'code', 'would_insert',
        'refused_because.code'
    ), 'success=false code=PI405 would_insert=0 refused_because.code=PI405', 'and the dry run'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'status', 'code', 'rows_inserted', 'message', 'hint'
    ),
    format(
        'success=false status=checked code=PI405 rows_inserted=0 message=nothing was inserted: '
        '1 duplicate, and any refuses the job (on_duplicate error) hint=see them with: select * '
        'from pgimport.duplicate_report(''%s''); then correct the file or start a job with other '
        'limits', :'job'
    ),
    'the insert does nothing and says where the duplicates are listed'
);
SELECT is(
    (SELECT string_agg(c.code, ',') FROM pgimport_test.codes AS c), 'OLD', 'nothing was written'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(pgimport_test.strict_job('A', 'B', 'A', 'A')), 'success', 'code',
        'refused_because.message'
    ),
    'success=false code=PI405 '
    'refused_because.message=2 duplicates, and any refuses the job (on_duplicate error)',
    'rows that repeat another one of the files refuse it, too'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(pgimport_test.strict_job('A', 'B')), 'success', 'rows_inserted'
    ), 'success=true rows_inserted=2', 'without duplicates all goes in'
);

-- a duplicate that comes in between
SELECT pgimport_test.strict_job('C', 'D') AS race \gset
SELECT is(
    pgimport.check_job(:'race') -> 'refused_because', 'null'::jsonb, 'another job is clean'
);
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'D');
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'race'), 'success', 'code', 'new_database_duplicates', 'rows_inserted'
    ), 'success=false code=PI405 new_database_duplicates=1 rows_inserted=0',
    'until somebody else writes one of its rows before its insert'
);
DELETE FROM pgimport_test.codes AS c
WHERE c.code = 'D';
SELECT pgimport.check_job(:'race');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'race'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'checked again without it, it goes in'
);

-- the limit of duplicates is another
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(pgimport_test.checked_job(
            '{A,E}', '{"on_duplicate": "error", "max_duplicate_ratio": 0.9}'
        )), 'success', 'code'
    ), 'success=false code=PI405', 'a limit that allows some duplicates does not weaken it'
);

SELECT * FROM finish();
ROLLBACK;
