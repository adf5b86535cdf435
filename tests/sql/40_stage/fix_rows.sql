-- Corrected rows replace the staged ones, cell by cell; nothing else is touched.
BEGIN;
\ir ../setup.psql
\ir fix_setup.psql
SELECT plan(36);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job('{"on_issue": "abort"}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,Code,points,price,note}',
    ARRAY[
        '11111111-1111-4111-8111-111111111111,A,1,1.5,n1',
        '11111111-1111-4111-8111-111111111111,B,two,2.5,n2',
        ',C,x,3.5,n3',
        '11111111-1111-4111-8111-111111111111,D,4,bad,n4',
        '11111111-1111-4111-8111-111111111111,E,5,bad,n5'
    ]
);
SELECT pgimport_test.stage(
    :'job', '{batch_code,merchant_id,Code,note}',
    ARRAY['b1,11111111-1111-4111-8111-111111111111,F,n6', 'b2,no uuid,G,n7'], '{}', 'b.csv'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'code'), 'success=false code=PI402',
    'a job that is all-or-nothing is not inserted while it has issues'
);
SELECT pgimport_test.staged(:'job', 1, 'ctid') AS before \gset

SELECT pgimport_test.fix(
    :'job', '{pgimport_row,note,points,Code,merchant_id,my own remark}',
    ARRAY[
        [pgimport_test.token(:'job', 1, 3), 'new', '3', 'C', pgimport_test.merchant()::text, '!'],
        [pgimport_test.token(:'job', 1, 2), NULL, '2', 'B', pgimport_test.merchant()::text, '!'],
        [pgimport_test.token(:'job', 1, 4), 'n4', '4', 'D', pgimport_test.merchant()::text, '!']
    ]
) AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'fix_no', 'rows', 'rows_fixed', 'rows_still_invalid',
        'rows_unchanged', 'issues_left', 'total_rows', 'clean_count', 'validation_errors'
    ),
    'success=true status=checked fix_no=1 rows=3 rows_fixed=2 rows_still_invalid=0 '
    'rows_unchanged=1 issues_left=3 total_rows=7 clean_count=4 validation_errors=3',
    'the answer counts rows fixed, still invalid, unchanged, issues left, and what the check says'
);
SELECT is(
    pgimport.stage_fix(:'job', 'f.csv', '{pgimport_row,note,points,Code,price,my own remark}')
    -> 'warnings',
    '["field 6 is not used: no column of the job has the name \"my own remark\" in its reports"]',
    'a column that somebody added is left out, with a warning'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'points'), '{1,2,3,4,5}', 'corrected cells are replaced'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'merchant_id'),
    array_fill(pgimport_test.merchant()::text, '{5}'),
    'in every column that was sent'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'extra_5'), '{n1,NULL,new,n4,n5}',
    'an empty cell is null; columns that are not imported are replaced, too'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'price'), '{1.5,2.5,3.5,bad,bad}',
    'a column that was not sent stays as it is'
);
SELECT is(
    (pgimport_test.staged(:'job', 1, 'ctid'))[1] || (pgimport_test.staged(:'job', 1, 'ctid'))[4:5],
    (:'before'::text[])[1] || (:'before'::text[])[4:5],
    'rows that were not sent, and rows sent as they were, lie where they lay'
);
SELECT is(pgimport_test.staged(:'job', 1, 'row_no'), '{1,2,3,4,5}', 'rows keep their numbers');
SELECT is(
    (
        SELECT count(*) FROM pgimport.issue_report(:'job') AS i
        WHERE i.row_no IN (2, 3)
            AND i.file_no = 1
    ),
    0::bigint, 'issues of corrected rows are gone'
);
SELECT is(
    (
        SELECT array_agg(i.file_no * 10 + i.row_no ORDER BY i.file_no, i.row_no)
        FROM pgimport.issue_report(:'job') AS i
    ),
    '{14,15,22}'::bigint[], 'those of the others are there'
);

-- the second file of the job, and columns that only one of the files has
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{pgimport_row,price,batch_code,merchant_id,note}',
            ARRAY[
                [
                    pgimport_test.token(:'job', 2, 2), '9', 'b9', pgimport_test.merchant()::text,
                    'n7'
                ],
                [
                    pgimport_test.token(:'job', 1, 4), '4.5', 'b4', pgimport_test.merchant()::text,
                    'n4'
                ],
                [
                    pgimport_test.token(:'job', 1, 5),
                    'worse',
                    NULL,
                    pgimport_test.merchant()::text,
                    'n5'
                ]
            ]
        ), 'rows_fixed', 'rows_still_invalid', 'issues_left'
    ),
    'rows_fixed=2 rows_still_invalid=1 issues_left=1', 'one file of corrections serves all files'
);
SELECT is(
    ARRAY[pgimport_test.staged(:'job', 2, 'price'), pgimport_test.staged(:'job', 2, 'batch_code')],
    '{{NULL,9},{b1,b9}}', 'a value may be filled in where the file had no such column'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'batch_code'), '{NULL,NULL,NULL,b4,NULL}',
    'in any of the files'
);
SELECT is(
    (SELECT i.value FROM pgimport.issue_report(:'job') AS i), 'worse',
    'a wrong correction is an issue again'
);

-- nothing changed
SELECT pgimport_test.fix(
    :'job', '{pgimport_row,price}', ARRAY[[pgimport_test.token(:'job', 1, 5), 'worse']]
) AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'rows', 'rows_unchanged', 'rows_fixed', 'issues_left', 'status'),
    'rows=1 rows_unchanged=1 rows_fixed=0 issues_left=1 status=checked',
    'rows sent as they were just stay invalid'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(:'job', '{pgimport_row,price}', '{}'), 'success', 'rows', 'issues_left'
    ),
    'success=true rows=0 issues_left=1', 'a file without rows changes nothing'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(:'job', '{pgimport_row}', ARRAY[[pgimport_test.token(:'job', 1, 5)]]),
        'rows_unchanged'
    ),
    'rows_unchanged=1', 'nor does one of tokens alone'
);

-- reports of other kinds are taken, too: the duplicates' own
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{file_name,line_no,row_no,code,price,status,pgimport_row}',
            ARRAY[
                [
                    'a.csv', '6', '5', 'A', '5', 'INVALID',
                    format(E' \t%s\u00a0', upper(pgimport_test.token(:'job', 1, 5)))
                ]
            ]
        ), 'rows_fixed', 'issues_left', 'internal_duplicates', 'warnings'
    ),
    'rows_fixed=1 issues_left=0 internal_duplicates=1 warnings=[]',
    'columns may have the names of the target; blanks and capitals of a token do not matter'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{Code,pgimport_row}', ARRAY[['E2', pgimport_test.token(:'job', 1, 5)]]
        ), 'rows_fixed', 'internal_duplicates', 'clean_count'
    ),
    'rows_fixed=1 internal_duplicates=0 clean_count=7', 'a duplicate can be corrected as an issue'
);

-- the same again
SELECT is(
    pgimport_test.pick(
        pgimport.apply_fix(:'job', 1, 3), 'success', 'fix_no', 'rows_fixed', 'message'
    ),
    'success=true fix_no=1 rows_fixed=2 message=fix 1 was applied before: nothing was done now; '
    '0 issues left',
    'the same call again says so and changes nothing'
);
SELECT pgimport_test.load_fix(
    :'job', '{pgimport_row,note}', ARRAY[[pgimport_test.token(:'job', 1, 1), 'first']],
    jsonb_build_object('sha256', repeat('a', 64))
) AS fix_no \gset
SELECT pgimport.apply_fix(:'job', :fix_no, 1);
SELECT is(
    pgimport_test.pick(
        pgimport.stage_fix(
            :'job', 'copy.csv', '{pgimport_row,note}',
            jsonb_build_object('sha256', repeat('a', 64))
        ), 'success', 'existing', 'fix_no', 'copy_sql'
    ),
    format('success=true existing=true fix_no=%s copy_sql=null', :fix_no),
    'the same bytes are not opened again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.stage_fix(
            :'job', 'copy.csv', '{pgimport_row,note}',
            jsonb_build_object('sha256', repeat('a', 64), 'force', true)
        ), 'existing', 'fix_no'
    ),
    format('existing=false fix_no=%s', :fix_no + 1), 'unless somebody insists'
);

-- what is kept
SELECT is(
    (
        SELECT array_agg(concat_ws(' ', f ->> 'fix_no', f ->> 'status', f ->> 'rows_fixed'))
        FROM jsonb_array_elements(pgimport.get_job(:'job') -> 'fixes') AS f
        WHERE (f ->> 'fix_no')::integer IN (1, 2, 3, :fix_no + 1)
    ),
    ARRAY['1 applied 2', '2 dropped', '3 applied 2', format('%s open', :fix_no + 1)],
    'attempts are kept'
);
SELECT is(
    (
        SELECT e.details ->> 'rows_fixed'
        FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'fixed'
        ORDER BY e.event_id LIMIT 1
    ),
    '2', 'and are in the log'
);
SELECT is(
    (
        SELECT count(*) FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname ~ format('^job_%s_(x|fixed)', replace(:'job', '-', ''))
            AND c.relkind = 'r'
    ),
    1::bigint, 'nothing is left in staging but the one that is open'
);
SELECT is(
    pgimport.stage_fix(:'job', 'z.csv', '{pgimport_row}') ->> 'copy_sql',
    format(
        'COPY pgimport_staging.job_%s_x%s (c1) FROM STDIN WITH '
        '(FORMAT csv, HEADER true, DELIMITER '','', ENCODING ''UTF8'')',
        replace(:'job', '-', ''), :fix_no + 2
    ),
    'a file is loaded by COPY'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, 0)', :'job', :fix_no + 1), 'PI314', NULL,
    'one that another was opened after is dropped'
);

-- to the end
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted'),
    'success=true rows_inserted=7', 'once the residue is zero the job is inserted'
);
SELECT is(
    (
        SELECT concat_ws(' ', c.points, c.price, c.batch_code)
        FROM pgimport_test.codes AS c
        WHERE c.code = 'G'
    ),
    '9.00 b9', 'with the corrected values'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified'), 'verified=true',
    'and is verified'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'')', :'job'), 'PI102', NULL,
    'an inserted job is not corrected any more'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, 0)', :'job', :fix_no + 2), 'PI102', NULL,
    'not with a file that was open either'
);
SELECT is(
    pgimport_test.pick(pgimport.apply_fix(:'job', 1, 3), 'success', 'status'),
    'success=true status=completed', 'what was applied is still said'
);
SELECT pgimport.clear_staging(:'job');
SELECT is(
    (
        SELECT count(*) FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname LIKE format('job_%s%%', replace(:'job', '-', ''))
            -- what proves rows untouched stays for later plans, and the counter with it
            AND c.relname !~ '_(print|count)$'
    ),
    0::bigint, 'staged corrections are cleared with the job'
);
SELECT is(
    pgimport.get_job(:'job') #>> '{fixes,-1,status}', 'dropped', 'which is kept in its record'
);

SELECT * FROM finish();
ROLLBACK;
