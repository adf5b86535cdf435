-- Records that were refused while a file was read become rows when they are filled in.
BEGIN;
\ir ../setup.psql
\ir fix_setup.psql
SELECT plan(20);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job(
    jsonb_build_object('on_issue', 'abort', 'constants', jsonb_build_object(
        'merchant_id', pgimport_test.merchant()
    ))
) AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{code,points,note}') ->> 'copy_sql' AS copy \gset
SELECT pgimport.add_issues(:'job', 1, '[
    {"line_no": 2, "code": "ragged_row", "value": "B,2"},
    {"line_no": 3, "code": "bad_encoding", "value": "C\\xE9,3,n"},
    {"line_no": 4, "code": "ragged_row", "value": "D,4,n,n"}]');
SELECT pgimport.finish_file(:'job', 1, 0, '{"rows_refused": 3}');
SELECT pgimport_test.stage(:'job', '{points,code}', '{"1,A","2,A2"}', '{}', 'b.csv');

SELECT format('%s', array_agg(i.issue_id ORDER BY i.line_no)) AS ids
FROM pgimport.issue_report(:'job') AS i \gset

-- before the job was ever checked
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{code,points,note,pgimport_row,pgimport_record,pgimport_line_no}',
            ARRAY[
                [
                    'B', 'two', NULL, pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[1]), NULL,
                    '2'
                ],
                [
                    NULL, NULL, NULL, pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[2]),
                    'C\xE9,3,n', '3'
                ]
            ]
        ), 'success', 'status', 'rows_fixed', 'rows_still_invalid', 'rows_unchanged',
        'issues_left', 'total_rows', 'warnings'
    ),
    'success=true status=checked rows_fixed=0 rows_still_invalid=1 rows_unchanged=1 '
    'issues_left=3 total_rows=3 warnings=[]',
    'a record that is filled in becomes a row and is checked; one that is not stays refused'
);
SELECT is(
    (
        SELECT array_agg(concat_ws(' ', i.line_no, i.row_no, i.code) ORDER BY i.line_no)
        FROM pgimport.issue_report(:'job') AS i
    ),
    '{2 1 bad_integer,3 bad_encoding,4 ragged_row}', 'its own issue is resolved'
);
SELECT is(
    (
        SELECT concat_ws(' ', f ->> 'rows_parsed', f ->> 'rows_staged', f ->> 'rows_refused')
        FROM jsonb_array_elements(pgimport.get_job(:'job') -> 'files') AS f
        WHERE f ->> 'file_no' = '1'
    ),
    '1 1 2', 'the counts of the file go with it'
);
SELECT is(
    (pgimport.verify_install() -> 'success')::boolean, true,
    'which still agree with each other and with the job'
);

-- by its old token, or by the one of the row that it became
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{points,pgimport_row}',
            ARRAY[['2', pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[1])]]
        ), 'rows_fixed', 'issues_left', 'total_rows'
    ),
    'rows_fixed=1 issues_left=2 total_rows=3', 'its old token means the row from then on'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{points,pgimport_row}',
            ARRAY[['3', pgimport_test.token(:'job', 1, 1)]]
        ), 'rows_fixed', 'total_rows'
    ),
    'rows_fixed=1 total_rows=3', 'as does its new one'
);
SELECT throws_ok(
    format(
        $$SELECT pgimport_test.fix(%1$L, '{points,pgimport_row}', ARRAY[
            ['3', pgimport_test.token(%1$L, 1, 1)], ['4', pgimport_test.token(%1$L, 1, %2$s)]])$$,
        :'job', -(:'ids'::bigint[])[1]
    ),
    'PI313', NULL, 'not both in one file'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'points'), '{3}', 'of which nothing is done then'
);

-- the record itself is not read
SELECT pgimport_test.fix(
    :'job', '{code,points,pgimport_record,pgimport_row}',
    ARRAY[
        [NULL, NULL, 'Ce,3,n', pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[2])],
        ['D', '4', 'D,4,n', pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[3])]
    ]
) AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'rows_fixed', 'rows_unchanged', 'issues_left', 'total_rows'),
    'rows_fixed=1 rows_unchanged=1 issues_left=1 total_rows=4',
    'a record whose columns are empty stays refused, whatever was made of its text'
);
SELECT is(
    :'answer'::jsonb -> 'warnings',
    '["line 2: a change in \"pgimport_record\" alone is not read; fill in the other columns"]',
    'and a warning says so'
);
SELECT is(
    (
        SELECT array_agg(concat_ws(' ', r.line_no, r.row_no, r.data ->> 'code') ORDER BY r.row_no)
        FROM pgimport.row_report(:'job') AS r
        WHERE r.file_no = 1
    ),
    '{2 1 B,4 2 D}', 'new rows follow those that are there, at the line they had in the file'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.fix_record AS r
        WHERE r.job_id = :'job'
    ), 2::bigint,
    'which record became which row is kept'
);

-- duplicates among the new rows
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{code,points,pgimport_row}',
            ARRAY[['A', '3', pgimport_test.token(:'job', 1, -(:'ids'::bigint[])[2])]]
        ), 'rows_fixed', 'issues_left', 'total_rows', 'internal_duplicates', 'clean_count'
    ),
    'rows_fixed=1 issues_left=0 total_rows=5 internal_duplicates=1 clean_count=4',
    'a new row may be a duplicate: it is marked as any other'
);
SELECT is(
    (
        SELECT concat_ws(' ', f ->> 'rows_parsed', f ->> 'rows_staged', f ->> 'rows_refused')
        FROM jsonb_array_elements(pgimport.get_job(:'job') -> 'files') AS f
        WHERE f ->> 'file_no' = '1'
    ),
    '3 3 0', 'no record is refused any more'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_skipped'),
    'success=true rows_inserted=4 rows_skipped=1', 'and the job is inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified'), 'verified=true',
    'and verified'
);
SELECT is((pgimport.verify_install(true) -> 'success')::boolean, true, 'everything adds up');

-- a failed job
SELECT pgimport_test.new_job() AS failing \gset
SELECT pgimport_test.stage(
    :'failing', '{merchant_id,code,points}',
    ARRAY['11111111-1111-4111-8111-111111111111,X,13', '11111111-1111-4111-8111-111111111111,Y,1']
);
SELECT pgimport.check_job(:'failing');
CREATE FUNCTION pgimport_test.no_thirteen()
RETURNS trigger
LANGUAGE plpgsql
AS $no_thirteen$
BEGIN
    IF new.points = 13 THEN
        RAISE EXCEPTION 'thirteen';
    END IF;
    RETURN new;
END;
$no_thirteen$;
CREATE TRIGGER no_thirteen BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.no_thirteen();
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'failing', '{"allow_superuser": true}'), 'status'),
    'status=failed', 'a job whose insert failed'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'failing', '{points,pgimport_row}',
            ARRAY[['14', pgimport_test.token(:'failing', 1, 1)]]
        ), 'status', 'rows_fixed', 'clean_count'
    ),
    'status=checked rows_fixed=1 clean_count=2', 'is corrected and checked again'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'failing', '{"allow_superuser": true}'), 'status'),
    'status=completed', 'and inserted'
);

SELECT * FROM finish();
ROLLBACK;
