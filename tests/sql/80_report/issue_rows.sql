-- The report of issues: one line a row, to be corrected and sent back.
BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

-- the lines of a report as objects
CREATE FUNCTION pgimport_test.lines(
    p_job_id uuid, p_report text DEFAULT 'issues', p_raw boolean DEFAULT false
)
RETURNS SETOF jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $lines$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT format('SELECT to_jsonb(r) FROM (%s) AS r', substring(
            pgimport.report_copy_sql(p_job_id, p_report, p_raw) ->> 'copy_sql',
            '^COPY \((.*)\) TO STDOUT'
        ))
    );
END;
$lines$;

-- one of them
CREATE FUNCTION pgimport_test.line(p_job_id uuid, p_place integer, p_raw boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $line$
BEGIN
    RETURN (
        SELECT l.line
        FROM pgimport_test.lines(p_job_id, 'issues', p_raw)
            WITH ORDINALITY AS l (line, place)
        WHERE l.place = p_place
    );
END;
$line$;

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', ARRAY['Merchant ID', 'remark', 'code', 'points', '=note'],
    ARRAY[
        '11111111-1111-4111-8111-111111111111,r1,A,1,=1+1',
        ',r2,B,many,=2+2',
        '11111111-1111-4111-8111-111111111111,r3,C,x,n3'
    ]
);
SELECT pgimport.stage_file(:'job', 'b.csv', '{Merchant ID,Code,batch_code}');
SELECT pgimport.add_issues(:'job', 2, '[
    {"line_no": 3, "code": "ragged_row", "value": "=a,b"},
    {"line_no": 2, "code": "ragged_row", "value": "c,d"}]');
SELECT pgimport.finish_file(:'job', 2, 0, '{"rows_refused": 2}');

SELECT is(
    (SELECT count(*) FROM pgimport_test.lines(:'job')), 2::bigint,
    'records that were refused while a file was read are reported before the job is checked'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport.report_copy_sql(:'job', 'issues') -> 'columns',
    '["Merchant ID", "remark", "code", "points", "''=note", "batch_code", "pgimport_row",
      "pgimport_issues", "pgimport_codes", "pgimport_record", "pgimport_file_name",
      "pgimport_line_no"]'::jsonb,
    'data stand under the headers of the files, where these agree, and in their order'
);
SELECT results_eq(
    format(
        $$SELECT concat_ws(' ', l ->> 'pgimport_file_name', l ->> 'pgimport_line_no',
            l ->> 'code', l ->> 'pgimport_codes') FROM pgimport_test.lines(%L) AS l$$, :'job'
    ),
    ARRAY[
        'a.csv 3 B bad_integer required', 'a.csv 4 C bad_integer',
        'b.csv 2 ragged_row', 'b.csv 3 ragged_row'
    ],
    'a row with two issues is one line; refused records are among the rows of their file'
);
SELECT pgimport_test.line(:'job', 1) AS line \gset
SELECT is(
    :'line'::jsonb ->> 'pgimport_issues',
    'merchant_id: a value is required; points: "many" is not an integer',
    'what is wrong is said in words'
);
SELECT is(:'line'::jsonb ->> '''=note', '''=2+2', 'formulas are neutralised');
SELECT is(
    pgimport_test.line(:'job', 1, true) ->> '=note', '=2+2',
    'raw leaves them as they are'
);
SELECT matches(:'line'::jsonb ->> 'pgimport_row', '^1-2-[0-9a-f]{8}$', 'a row has its token');
SELECT is(
    :'line'::jsonb ->> 'pgimport_row',
    (
        SELECT pgimport._row_token(f.token_seed, 1, 2)
        FROM pgimport.file AS f
        WHERE f.job_id = :'job' AND f.file_no = 1
    ),
    'which is bound to the job and to this staging of the file'
);
SELECT matches(
    (
        SELECT l ->> 'pgimport_row' FROM pgimport_test.lines(:'job') AS l
        WHERE l ->> 'pgimport_record' = 'c,d'
    ),
    '^2-r[0-9]+-[0-9a-f]{8}$', 'a refused record has one of another form, and the whole record'
);
SELECT is(
    (
        SELECT l ->> 'pgimport_record' FROM pgimport_test.lines(:'job') AS l
        WHERE l ->> 'pgimport_line_no' = '3' AND l ->> 'pgimport_file_name' = 'b.csv'
    ),
    '''=a,b', 'which is neutralised, too'
);
SELECT is(
    (
        SELECT count(DISTINCT l ->> 'pgimport_row')
        FROM pgimport_test.lines(:'job', 'all') AS l
    ),
    3::bigint, 'the report of all rows has tokens, too'
);

-- headers that do not agree, and names that are taken
SELECT pgimport_test.new_job(
    jsonb_build_object('constants', jsonb_build_object('merchant_id', pgimport_test.merchant()))
) AS odd \gset
SELECT pgimport_test.stage(:'odd', '{code,Points,pgimport_row,x,x}', '{"A,bad,1,2,3"}');
SELECT pgimport_test.stage(:'odd', '{code,POINTS}', '{"B,bad"}', '{}', 'b.csv');
SELECT pgimport.check_job(:'odd');
SELECT is(
    pgimport.report_copy_sql(:'odd', 'issues') -> 'columns',
    '["code", "points", "pgimport_row (2)", "x", "x (2)", "pgimport_row", "pgimport_issues",
      "pgimport_codes", "pgimport_record", "pgimport_file_name", "pgimport_line_no"]'::jsonb,
    'where headers differ the column has its own name; constants, which no file holds, are left out'
);
SELECT is(
    pgimport_test.line(:'odd', 1) ->> 'x (2)', '3',
    'data are where they belong'
);
SELECT is(
    (
        SELECT count(*)
        FROM pgimport_test.lines(:'odd') AS l
        WHERE l ->> 'pgimport_row' IN (
                SELECT k ->> 'pgimport_row' FROM pgimport_test.lines(:'job') AS k
            )
    ),
    0::bigint, 'no token is that of another job'
);

-- sensitive columns
SELECT pgimport.set_column('codes', 'serial', '{"sensitive": true}');
SELECT pgimport.set_column('codes', 'points', '{"sensitive": true}');
SELECT pgimport_test.new_job() AS secret \gset
SELECT pgimport_test.stage(
    :'secret', '{merchant_id,code,serial,points}',
    ARRAY[
        '11111111-1111-4111-8111-111111111111,A,hidden,hidden',
        '11111111-1111-4111-8111-111111111111,B,,hidden',
        '11111111-1111-4111-8111-111111111111,B,hidden,1'
    ]
);
SELECT pgimport.stage_file(:'secret', 'b.csv', '{merchant_id,code,serial}');
SELECT pgimport.add_issues(
    :'secret', 2, '[{"line_no": 3, "code": "ragged_row", "value": "a,hidden"}]'
);
SELECT pgimport.finish_file(:'secret', 2, 0, '{"rows_refused": 1}');
SELECT pgimport.check_job(:'secret');
SELECT is(
    pgimport_test.line(:'secret', 1) ->> 'serial', '***',
    'a value of a sensitive column is masked'
);
SELECT is(
    pgimport_test.line(:'secret', 2) ->> 'serial', NULL,
    'that there is none is not'
);
SELECT is(
    (
        SELECT count(*)
        FROM (
            SELECT pgimport_test.lines(:'secret', r)::text AS line
            FROM unnest('{issues,issue_list,duplicates,all}'::text[]) AS r
            UNION ALL
            SELECT i::text FROM pgimport.issue_report(:'secret') AS i
            UNION ALL
            SELECT d::text FROM pgimport.duplicate_report(:'secret', false) AS d
            UNION ALL
            SELECT w::text FROM pgimport.row_report(:'secret') AS w
        ) AS q
        WHERE q.line LIKE '%hidden%'
    ),
    0::bigint, 'no report shows it, not in a message and not in a record that was refused'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.lines(:'secret')), 3::bigint, 'all rows are reported'
);

-- a file that is staged again
SELECT pgimport_test.line(:'job', 1) ->> 'pgimport_row' AS old_token \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}', '{"11111111-1111-4111-8111-111111111111,B,1",",C,2"}',
    '{"file_no": 1}'
);
SELECT pgimport.check_job(:'job');
SELECT isnt(
    pgimport_test.line(:'job', 1) ->> 'pgimport_row', :'old_token',
    'a row of a file that was staged again has another token'
);

-- without staged rows
SELECT pgimport.clear_staging(:'job');
SELECT is(
    pgimport.report_copy_sql(:'job', 'issues') -> 'columns' -> 0, '"pgimport_row"'::jsonb,
    'once the staging is cleared there are no data to report'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.lines(:'odd', 'issue_list')), 2::bigint,
    'the list of issues has one line an issue'
);
SELECT throws_ok(
    $$SELECT pgimport.report_copy_sql('00000000-0000-0000-0000-000000000000', 'issues')$$,
    'PI101', NULL, 'the job must exist'
);

SELECT * FROM finish();
ROLLBACK;
