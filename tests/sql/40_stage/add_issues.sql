BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{merchant_id,code}');
SELECT pgimport.add_issues(:'job', 1, '[
    {"line_no": 7, "code": "ragged_row", "value": "a,b,c", "message": "3 fields, not 2",
        "hint": "quote the comma"},
    {"line_no": 9, "code": "bad_encoding", "column_name": "code", "severity": "warning",
        "detail": "byte 0xE9"}
]') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{counts,details,file_no,issues_added,job_id,message,status,success,target,
        warnings}'::text[],
    'recorded issues are answered with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'file_no', 'issues_added'),
    'success=true status=staging file_no=1 issues_added=2', 'they are counted'
);
SELECT results_eq(
    format(
        'SELECT file_no, row_no, line_no, column_name, code, severity, message, value, hint '
        'FROM pgimport.issue WHERE job_id = %L AND line_no = 7', :'job'
    ),
    $$VALUES (1, NULL::bigint, 7::bigint, NULL::text, 'ragged_row', 'error', '3 fields, not 2',
        'a,b,c', 'quote the comma')$$,
    'an issue is recorded as the reader gave it'
);
SELECT ok(
    (
        SELECT
            i.severity = 'warning' AND i.column_name = 'code' AND i.message LIKE '%byte 0xE9%'
        FROM pgimport.issue AS i
        WHERE i.job_id = :'job' AND i.line_no = 9
    ),
    'one without a message gets that of its code, with the fact it names'
);
SELECT is(
    pgimport.add_issues(:'job', 1, '[{"line_no": 11, "code": "nul_byte"}]') ->> 'issues_added',
    '1', 'more may follow'
);
SELECT is(
    pgimport.add_issues(:'job', 1, '[]') ->> 'issues_added', '0', 'none is no fault'
);

-- they outlive the check
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'), '{}', 'b.csv'
);
SELECT pgimport.finish_file(:'job', 1, 0);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'valid', 'validation_errors', 'clean_count', 'total_rows'
    ),
    'valid=false validation_errors=2 clean_count=1 total_rows=1',
    'they are found again by every check, warnings are not counted'
);

-- misuse
SELECT throws_ok(
    format('SELECT pgimport.add_issues(%L, 1, ''[{"code": "ragged_row"}]'')', :'job'),
    'PI102', NULL, 'a checked job takes no issue'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'));
SELECT throws_ok(
    format('SELECT pgimport.add_issues(%L, 1, ''[{"code": "ragged_row"}]'')', :'job'),
    'PI302', NULL, 'nor does a closed file'
);
SELECT throws_ok(
    format('SELECT pgimport.add_issues(%L, 2, ''[{"code": "ragged_row"}]'')', :'job'),
    'PI301', NULL, 'or one that is not there'
);
SELECT throws_ok(
    $$SELECT pgimport.add_issues(NULL, 1, '[]')$$, 'PI001', NULL, 'a job must be named'
);
SELECT throws_ok(
    $$SELECT pgimport.add_issues('00000000-0000-0000-0000-000000000000', 1, '[]')$$, 'PI101', NULL,
    'one that is there'
);
SELECT pgimport.stage_file(:'job', 'b.csv', '{code}');
SELECT
    throws_ok(
        format('SELECT pgimport.add_issues(%L, 2, %L)', :'job', w.issues), 'PI003', NULL,
        format('what is no list of issues is refused: %s', w.issues)
    )
FROM (
    VALUES
    (NULL), ('{"code": "ragged_row"}'), ('["ragged_row"]'), ('[{"line_no": 7}]'),
    ('[{"code": "ragged_row", "line_no": "seven"}]'),
    ('[{"code": "ragged_row", "severity": "fatal"}]'),
    ('[{"code": "ragged_row", "value": {"a": 1}}]'), ('[{"code": ""}]')
) AS w (issues);
SELECT throws_ok(
    format('SELECT pgimport.add_issues(%L, 2, ''[{"code": "ragged_row", "row": 1}]'')', :'job'),
    'PI002', NULL, 'so is an unknown key'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.issue AS i
        WHERE i.job_id = :'job'
    ), 0::bigint,
    'and nothing of it is recorded'
);

SELECT * FROM finish();
ROLLBACK;
