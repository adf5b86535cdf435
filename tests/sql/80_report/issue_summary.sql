-- The issues of a job by column and code.
BEGIN;
\ir ../setup.psql
SELECT plan(16);
SELECT pgimport_test.codes_target();
SELECT pgimport.set_column('codes', 'price', '{"sensitive": true}');

SELECT throws_ok(
    $$SELECT * FROM pgimport.issue_summary('01890a5d-ac96-774b-bcce-b302099a8057')$$,
    'PI101', NULL, 'a job that is not there has no summary'
);

SELECT pgimport_test.new_job() AS job \gset
SELECT is_empty(
    format('SELECT * FROM pgimport.issue_summary(%L)', :'job'),
    'a job without files has no line'
);

SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points,price}',
    ARRAY[
        '11111111-1111-4111-8111-111111111111,A,one,1',
        '11111111-1111-4111-8111-111111111111,B,one,secret1',
        '11111111-1111-4111-8111-111111111111,C,two,secret2',
        '11111111-1111-4111-8111-111111111111,D,three,3',
        '11111111-1111-4111-8111-111111111111,E,four,4',
        ',F,6,6',
        ',' || repeat('g', 3000) || ',7,7'
    ]
);
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY['11111111-1111-4111-8111-111111111111,G,' || repeat('9', 900)], '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job');

SELECT results_eq(
    format(
        $$SELECT s.column_name, s.code, s.severity, s.rows
        FROM pgimport.issue_summary(%L) AS s$$, :'job'
    ),
    $$VALUES
    ('points', 'bad_integer', 'error', 5::bigint),
    ('merchant_id', 'required', 'error', 2),
    ('price', 'bad_numeric', 'error', 2),
    ('points', 'out_of_range', 'error', 1)$$,
    'one line a column and code, the most frequent first'
);
SELECT is(
    (SELECT sum(s.rows)::bigint FROM pgimport.issue_summary(:'job') AS s),
    (SELECT count(*) FROM pgimport.issue_report(:'job', NULL, 100)),
    'the lines add up to the issues of the job'
);
SELECT results_eq(
    format(
        $$SELECT v ->> 'value', v -> 'file_no', v ->> 'file_name', v -> 'line_no', v -> 'length'
        FROM pgimport.issue_summary(%L) AS s
        CROSS JOIN LATERAL jsonb_array_elements(s.samples) AS v
        WHERE s.code = 'bad_integer'$$, :'job'
    ),
    $$VALUES
    ('one', '1'::jsonb, 'a.csv', '2'::jsonb, '3'::jsonb),
    ('two', '1', 'a.csv', '4', '3'),
    ('three', '1', 'a.csv', '5', '5')$$,
    'three different values at most, in the order of the file, with file and line'
);
SELECT is(s.sample, 'one', 'sample is the first value')
FROM pgimport.issue_summary(:'job') AS s
WHERE s.code = 'bad_integer';
SELECT is(s.message, '"one" is not an integer', 'and message what is said of it')
FROM pgimport.issue_summary(:'job') AS s
WHERE s.code = 'bad_integer';
SELECT is(
    (
        SELECT concat_ws(' ', s.sample, s.samples #>> '{0,value}', jsonb_array_length(s.samples))
        FROM pgimport.issue_summary(:'job') AS s
        WHERE s.code = 'bad_numeric'
    ),
    '*** *** 1', 'values of a sensitive column are masked'
);
SELECT is(s.message, '"***" is not a number', 'also in the message')
FROM pgimport.issue_summary(:'job') AS s
WHERE s.code = 'bad_numeric';
SELECT is(
    (
        SELECT
            concat_ws(
                ' ', length(s.sample), length(s.samples #>> '{0,value}'),
                s.samples #>> '{0,length}'
            )
        FROM pgimport.issue_summary(:'job') AS s
        WHERE s.code = 'out_of_range'
    ),
    '200 200 900', 'a long value is cut, and its length told'
);
SELECT is(
    (
        SELECT concat(s.sample, s.samples -> 0 -> 'value')
        FROM pgimport.issue_summary(:'job') AS s
        WHERE s.code = 'required'
    ),
    'null', 'a value that is missing is null'
);

-- records that were refused while their file was read
SELECT pgimport_test.new_job() AS refused \gset
SELECT pgimport.stage_file(:'refused', 'r.csv', '{Merchant ID,Code}');
SELECT pgimport.add_issues(:'refused', 1, '[
    {"line_no": 3, "code": "ragged_row", "value": "4111-secret,b,c"},
    {"line_no": 9, "code": "ragged_row", "value": "4111-secret,b,c,d"}]');
SELECT is(
    (
        SELECT concat_ws(' ', s.column_name, s.code, s.rows, s.sample, s.samples #>> '{0,line_no}')
        FROM pgimport.issue_summary(:'refused') AS s
    ),
    'ragged_row 2 *** 3',
    'records refused have no column; where the target has sensitive columns, all is masked'
);

-- rights
SELECT is(
    pgimport._function_level('issue_summary'), 'viewer', 'viewers may read it'
);

-- a jsonb value of 1 MB, and what the client's path has to say
SELECT pgimport.set_column('codes', 'price', '{"sensitive": false}');
SELECT pgimport_test.new_job() AS big \gset
SELECT pgimport.stage_file(:'big', 'r.csv', '{Merchant ID,Code}');
SELECT pgimport.add_issues(
    :'big', 1,
    jsonb_build_array(jsonb_build_object('code', 'ragged_row', 'value', repeat('é', 1000000)))
);
SELECT is(
    (
        SELECT concat_ws(' ', length(s.sample), s.samples #>> '{0,length}')
        FROM pgimport.issue_summary(:'big') AS s
    ),
    '200 1000000', 'a record of a million characters is cut, too'
);
SELECT cmp_ok(
    (SELECT length(to_jsonb(s)::text) FROM pgimport.issue_summary(:'big') AS s), '<', 2000,
    'so the answer is small'
);
SELECT set_config('search_path', 'pgimport_test', true) AS path \gset
SELECT pgimport_test.completed_job('{Z1}') AS done \gset
SELECT set_config('search_path', 'pg_catalog', true) AS path \gset
SELECT count(s.code) AS lines FROM pgimport.issue_summary(:'done') AS s \gset
RESET search_path;
SELECT is(:lines, 0, 'a job whose rows are all good has no line, whatever the search_path');

SELECT * FROM finish();
ROLLBACK;
