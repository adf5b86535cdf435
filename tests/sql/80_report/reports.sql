BEGIN;
\ir ../setup.psql
SELECT plan(33);
SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'DB'), (pgimport_test.merchant(), 'BOTH');

SELECT pgimport_test.new_job(
    jsonb_build_object('constants', jsonb_build_object('merchant_id', pgimport_test.merchant()))
) AS job \gset
SELECT throws_ok(
    format('SELECT * FROM pgimport.duplicate_report(%L)', :'job'), 'PI102', NULL,
    'before the check there is no report'
);
SELECT pgimport_test.stage(
    :'job', '{code,points,note,=calc}',
    '{"A,1,n1,x1","A,2,n2,x2","DB,3,n3,x3","BOTH,4,n4,=x4","BAD,many,n5,x5"}'
);
SELECT pgimport_test.stage(
    :'job', '{remark,code,note}', '{"r1,BOTH,m1","r2,NEW,m2"}', '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job');

SELECT results_eq(
    format(
        $$SELECT concat_ws(' ', r.file_name, r.row_no, r.line_no, r.data ->> 'code', r.status)
        FROM pgimport.duplicate_report(%L) AS r$$, :'job'
    ),
    ARRAY[
        'a.csv 2 3 A INTERNAL_DUPLICATE',
        'a.csv 3 4 DB DATABASE_DUPLICATE',
        'a.csv 4 5 BOTH DATABASE_DUPLICATE',
        'b.csv 1 2 BOTH BOTH_DUPLICATE'
    ],
    'duplicates are listed in the order of the files, with file, row, line and status'
);
SELECT results_eq(
    format(
        $$SELECT r.is_internal_duplicate, r.is_database_duplicate
        FROM pgimport.duplicate_report(%L) AS r$$, :'job'
    ),
    $$VALUES (true, false), (false, true), (false, true), (true, true)$$,
    'and with both flags'
);
SELECT results_eq(
    format(
        $$SELECT r.status FROM pgimport.duplicate_report(%L, false) AS r
        WHERE r.status NOT LIKE '%%DUPLICATE'$$, :'job'
    ),
    ARRAY['CLEAN', 'INVALID', 'CLEAN'],
    'on request all rows are listed, also those that are clean or invalid'
);
SELECT is(
    (
        SELECT r.data
        FROM pgimport.duplicate_report(:'job') AS r
        WHERE r.file_no = 2
    ),
    '{"merchant_id": "11111111-1111-4111-8111-111111111111", "code": "BOTH", "points": null,
      "note": "m1", "=calc": null, "remark": "r1"}'::jsonb,
    'data: constants, columns of the target, and other fields under their headers in every file'
);

-- rows
SELECT results_eq(
    format(
        $$SELECT concat(r.file_no, r.row_no, r.class) FROM pgimport.row_report(%L) AS r$$, :'job'
    ),
    ARRAY['11insert', '12skip', '13skip', '14skip', '15invalid', '21skip', '22insert'],
    'every row has a class'
);
SELECT is(
    (
        SELECT r.issues -> 0 ->> 'code'
        FROM pgimport.row_report(:'job') AS r
        WHERE r.class = 'invalid'
    ),
    'bad_integer', 'an invalid row has its issues'
);
SELECT is(
    (
        SELECT r.issues
        FROM pgimport.row_report(:'job') AS r
        WHERE r.file_no = 2 AND r.row_no = 2
    ),
    '[]'::jsonb, 'a clean one has none'
);

-- issues
SELECT is(
    (
        SELECT concat_ws(' ', r.file_name, r.row_no, r.line_no, r.column_name, r.code, r.value)
        FROM pgimport.issue_report(:'job') AS r
    ),
    'a.csv 5 6 points bad_integer many', 'an issue has file, row, line, column, code and value'
);
SELECT pgimport_test.new_job() AS many \gset
SELECT pgimport_test.stage(
    :'many', '{merchant_id,code,points}',
    (
        SELECT array_agg(format('11111111-1111-4111-8111-111111111111,M%s,bad', i))
        FROM generate_series(1, 45) AS i
    )
);
SELECT pgimport.check_job(:'many');
SELECT is(
    (SELECT count(*) FROM pgimport.issue_report(:'many')), 20::bigint, 'a page has 20 issues'
);
SELECT is(
    (
        SELECT count(*)
        FROM pgimport.issue_report(
                :'many', (SELECT max(r.issue_id) FROM pgimport.issue_report(:'many', NULL, 40) AS r)
            )
    ),
    5::bigint, 'the next page begins after the last issue of the one before'
);
SELECT throws_ok(
    format('SELECT * FROM pgimport.issue_report(%L, NULL, 0)', :'many'), 'PI003', NULL,
    'a page has one issue at least'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.issue_report('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'the job must exist'
);
SELECT throws_ok(
    $$SELECT * FROM pgimport.row_report(NULL)$$, 'PI001', NULL, 'a job is required'
);

-- CSV
SELECT pgimport.report_copy_sql(:'job', 'all') AS whole \gset
SELECT matches(
    :'whole'::jsonb ->> 'copy_sql',
    '^COPY \(.*\) TO STDOUT WITH \(FORMAT csv, HEADER true, ENCODING ''UTF8''\)$',
    'a report is a COPY that the client runs'
);
SELECT is(
    :'whole'::jsonb -> 'columns',
    '["file_name", "line_no", "row_no", "merchant_id", "code", "points", "note", "''=calc",
      "remark", "is_internal_duplicate", "is_database_duplicate", "status", "issues",
      "pgimport_row"]'::jsonb,
    'with the columns of the data between place and findings'
);

-- the lines of a report as one text each
CREATE FUNCTION pgimport_test.report_lines(p_job_id uuid, p_report text, p_raw boolean)
RETURNS SETOF text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $report_lines$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT format('SELECT r::text FROM (%s) AS r', substring(
            pgimport.report_copy_sql(p_job_id, p_report, p_raw) ->> 'copy_sql',
            '^COPY \((.*)\) TO STDOUT'
        ))
    );
END;
$report_lines$;

SELECT is(
    (SELECT count(*) FROM pgimport_test.report_lines(:'job', 'all', false)), 7::bigint,
    'the report of all rows has all rows'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.report_lines(:'job', 'duplicates', false)), 4::bigint,
    'that of duplicates only these'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.report_lines(:'job', 'issue_list', false)), 1::bigint,
    'the list of issues has a line an issue'
);
SELECT results_eq(
    format(
        $$SELECT regexp_replace(l, ',[0-9]+-[0-9]+-[0-9a-f]{8}\)$', ')')
        FROM pgimport_test.report_lines(%L, 'duplicates', false) AS l$$, :'job'
    ),
    ARRAY[
        '(a.csv,3,2,11111111-1111-4111-8111-111111111111,A,2,n2,x2,,t,f,INTERNAL_DUPLICATE)',
        '(a.csv,4,3,11111111-1111-4111-8111-111111111111,DB,3,n3,x3,,f,t,DATABASE_DUPLICATE)',
        '(a.csv,5,4,11111111-1111-4111-8111-111111111111,BOTH,4,n4,''=x4,,f,t,DATABASE_DUPLICATE)',
        '(b.csv,2,1,11111111-1111-4111-8111-111111111111,BOTH,,m1,,r1,t,t,BOTH_DUPLICATE)'
    ],
    'rows stand in the order of the files; formulas are neutralised'
);
SELECT matches(
    (
        SELECT l
        FROM pgimport_test.report_lines(:'job', 'duplicates', false) AS l
        WHERE l LIKE '(b.csv,2,%'
    ),
    ',2-1-[0-9a-f]{8}\)$', 'each with the token by which it can be sent back'
);
SELECT matches(
    :'whole'::jsonb ->> 'row_copy_sql', ' TO STDOUT WITH \(FORMAT text, ENCODING ''UTF8''\)$',
    'the same rows are to be had in text format, for writers of other formats'
);
SELECT matches(
    (
        SELECT l
        FROM pgimport_test.report_lines(:'job', 'duplicates', true) AS l
        WHERE l LIKE '(a.csv,5,%'
    ),
    ',=x4,', 'raw leaves formulas as they are'
);
SELECT matches(
    (SELECT l FROM pgimport_test.report_lines(:'job', 'issue_list', false) AS l),
    '^\(a.csv,6,5,points,bad_integer,error,.*,many,.*,BAD,many,n5,x5,\)$',
    'an issue comes with the data of its row'
);
SELECT matches(
    (
        SELECT l
        FROM pgimport_test.report_lines(:'job', 'all', false) AS l
        WHERE l LIKE '%INVALID%'
    ),
    'points: .*many.* is not an integer', 'in the report of all rows issues stand at their row'
);
SELECT throws_ok(
    format('SELECT pgimport.report_copy_sql(%L, ''some'')', :'job'), 'PI003', NULL,
    'there are four reports'
);

-- names that collide
CREATE TABLE pgimport_test.status_table (status text PRIMARY KEY, import_job_id uuid);
SELECT pgimport.register_target('pgimport_test.status_table', 'states', '{status}');
SELECT pgimport_test.new_job('{}', 'states') AS states \gset
SELECT pgimport_test.stage(
    :'states', ARRAY['status', 'x', 'x', repeat('long ', 20), ''], '{"s,1,2,3,4"}'
);
SELECT pgimport.check_job(:'states');
SELECT is(
    pgimport.report_copy_sql(:'states', 'duplicates') -> 'columns' -> 3, '"status"'::jsonb,
    'the data keep their names'
);
SELECT is(
    pgimport.report_copy_sql(:'states', 'duplicates') -> 'columns' -> -2,
    '"pgimport_status"'::jsonb, 'a column of the report whose name is taken gets a prefix'
);
SELECT is(
    pgimport.report_copy_sql(:'states', 'duplicates') -> 'columns' -> 5, '"x (2)"'::jsonb,
    'a header that stands twice is told apart'
);
SELECT is(
    (
        SELECT count(*)
        FROM jsonb_array_elements_text(
                pgimport.report_copy_sql(:'states', 'all') -> 'columns'
            ) AS c
        WHERE octet_length(c) > 63
    ),
    0::bigint, 'long headers are shortened'
);
SELECT is(
    (SELECT r.data ->> 'x (2)' FROM pgimport.row_report(:'states') AS r), '2',
    'and the data are where they belong'
);

-- without staged rows
SELECT pgimport.insert_job(:'job');
SELECT pgimport.clear_staging(:'job');
SELECT throws_ok(
    format('SELECT * FROM pgimport.row_report(%L)', :'job'), 'PI306', NULL,
    'once the staging is cleared there are no rows to report'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.report_lines(:'job', 'issue_list', false)),
    (SELECT count(*) FROM pgimport.issue_report(:'job')),
    'but the issues that are kept can still be written'
);

SELECT * FROM finish();
ROLLBACK;
