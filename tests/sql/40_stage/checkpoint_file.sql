BEGIN;
\ir ../setup.psql
SELECT plan(46);
SELECT pgimport_test.codes_target();

-- rows of a file, as a COPY would bring them
CREATE FUNCTION pgimport_test.load(p_job_id uuid, VARIADIC p_codes text[])
RETURNS void
LANGUAGE plpgsql
AS $load$
BEGIN
    EXECUTE pg_catalog.format(
        'INSERT INTO pgimport_staging.job_%s_f1 (merchant_id, code, sku) '
        'SELECT %L, c, ''S'' FROM pg_catalog.unnest($1) AS c (c)',
        pg_catalog.replace(p_job_id::text, '-', ''), pgimport_test.merchant()
    ) USING p_codes;
END;
$load$;
CREATE FUNCTION pgimport_test.row_numbers(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
AS $row_numbers$
DECLARE
    v_found text;
BEGIN
    EXECUTE pg_catalog.format(
        'SELECT pg_catalog.string_agg(row_no || code, '','' ORDER BY row_no) '
        'FROM pgimport_staging.job_%s_f1', pg_catalog.replace(p_job_id::text, '-', '')
    ) INTO v_found;
    RETURN v_found;
END;
$row_numbers$;

SELECT pgimport_test.new_job() AS job \gset
SELECT repeat('a', 64) AS a, repeat('b', 64) AS b \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{merchant_id,code,sku}', format('{"sha256": "%s"}', :'a')::jsonb
) AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'fence', 'checkpoint'), 'fence=1 checkpoint=null',
    'a new file has no checkpoint'
);

-- a piece, and one more
SELECT pgimport.checkpoint_file(:'job', 1) AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{checkpoint,counts,details,fence,file_no,job_id,message,status,success,target,warnings}'
    ::text[],
    'a checkpoint answers with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'checkpoint', 'fence', 'message'),
    'checkpoint=null fence=1 message=file 1 is loaded up to 0 rows', 'without rows nothing is noted'
);
SELECT pgimport_test.load(:'job', 'A', 'B', 'C');
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, 2, ''{"bytes": 30}'')', :'job'), 'PI303', NULL,
    'more rows staged than parsed are no checkpoint'
);
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, 4, ''{"bytes": 30}'')', :'job'), 'PI303', NULL,
    'nor are fewer'
);
SELECT is(
    pgimport.checkpoint_file(:'job', 1, 3, format(
        '{"bytes": 30, "sha256": "%s", "rows_refused": 2, "fence": 1, "state": {"text": 28}}', :'b'
    )::jsonb) -> 'checkpoint',
    format(
        '{"rows": 3, "bytes": 30, "sha256": "%s", "rows_refused": 2, "state": {"text": 28}, '
        '"done": false}', :'b'
    )::jsonb,
    'the rows parsed are noted with the bytes read, and with what the reader needs'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0,
        'status', 'checkpoint_rows', 'checkpoint_bytes', 'rows_refused', 'checkpoint_state'
    ),
    'status=open checkpoint_rows=3 checkpoint_bytes=30 rows_refused=2 checkpoint_state=null',
    'get_job tells how far it is'
);
SELECT pgimport.checkpoint_file(:'job', 1);
SELECT pgimport_test.load(:'job', 'D');
SELECT is(
    pgimport.checkpoint_file(:'job', 1, 4, '{"bytes": 40}') #>> '{checkpoint,rows}', '4',
    'the next piece moves it on'
);
SELECT is(pgimport_test.row_numbers(:'job'), '1A,2B,3C,4D', 'rows are numbered through');

-- half a file is no file
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI309',
    format('file 1 "a.csv" of job "%s" is loaded only up to 4 rows', :'job'),
    'a half loaded file is not checked as if it were whole'
);

-- it does not go back
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, 3, ''{"bytes": 50}'')', :'job'), 'PI309', NULL,
    'a checkpoint does not go back to fewer rows'
);
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, 4, ''{"bytes": 39}'')', :'job'), 'PI309', NULL,
    'nor to fewer bytes'
);

-- a piece that is lost leaves a gap in the numbers, but not in those of the rows
SELECT 'SAVEPOINT piece' AS statement \gexec
SELECT pgimport_test.load(:'job', 'X', 'Y', 'Z');
SELECT 'ROLLBACK TO SAVEPOINT piece' AS statement \gexec
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{merchant_id,code,sku}',
    format('{"file_no": 1, "resume": true, "sha256": "%s"}', :'a')::jsonb
) AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'fence', 'checkpoint.rows', 'checkpoint.bytes', 'checkpoint.done',
        'message'
    ),
    'fence=2 checkpoint.rows=4 checkpoint.bytes=40 checkpoint.done=false '
    'message=file 1 is open again: "a.csv", go on after 4 rows',
    'a file that was interrupted is gone on with at its checkpoint'
);
SELECT matches(
    :'answer'::jsonb ->> 'copy_sql', 'HEADER false', 'its COPY expects no header any more'
);
SELECT pgimport_test.load(:'job', 'E');
SELECT is(pgimport_test.row_numbers(:'job'), '1A,2B,3C,4D,5E', 'without a gap');

-- whoever had it open before is too late
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, NULL, ''{"fence": 1}'')', :'job'), 'PI309',
    'file "a.csv" was opened again by another session: this one must not go on loading it',
    'the session that had it open before does not go on'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 5, ''{"fence": 1}'')', :'job'), 'PI309', NULL,
    'it does not close it'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, NULL, ''{"fence": 1, "failed": "x"}'')', :'job'),
    'PI309', NULL, 'and does not give it up'
);
SELECT is(
    pgimport_test.pick(
        pgimport.finish_file(:'job', 1, 5, '{"fence": 2, "rows_refused": 2}'),
        'status', 'rows_staged'
    ),
    'status=staged rows_staged=5', 'the one that has it closes it'
);
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1, 5, ''{"bytes": 50}'')', :'job'), 'PI102', NULL,
    'a staged job takes no rows'
);

-- a staged file is there, also once the job is checked and inserted
SELECT pgimport.check_job(:'job');
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{merchant_id,code,sku}',
    format('{"file_no": 1, "resume": true, "sha256": "%s"}', :'a')::jsonb
) AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'status', 'fence', 'checkpoint.done', 'checkpoint.rows',
        'checkpoint.rows_refused'
    ),
    'status=checked fence=2 checkpoint.done=true checkpoint.rows=5 checkpoint.rows_refused=2',
    'a file that is staged needs nothing, and the check of its job stays'
);
SELECT pgimport.insert_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.stage_file(
            :'job', 'a.csv', '{merchant_id,code,sku}',
            format('{"file_no": 1, "resume": true, "sha256": "%s"}', :'a')::jsonb
        ), 'status', 'checkpoint.done'
    ),
    'status=completed checkpoint.done=true', 'so it is after the insert'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''a.csv'', ''{code}'', %L)', :'job',
        format('{"file_no": 1, "resume": true, "sha256": "%s"}', :'b')
    ),
    'PI102', NULL, 'other bytes do not go into a completed job'
);

-- what is not the same file any more begins anew
CREATE FUNCTION pgimport_test.half()
RETURNS uuid
LANGUAGE plpgsql
AS $half$
DECLARE
    v_job uuid := pgimport_test.new_job();
BEGIN
    PERFORM pgimport.stage_file(
        v_job, 'a.csv', '{merchant_id,code,sku}',
        pg_catalog.jsonb_build_object('sha256', pg_catalog.repeat('c', 64))
    );
    PERFORM pgimport_test.load(v_job, 'A', 'B');
    PERFORM pgimport.checkpoint_file(v_job, 1, 2, '{"bytes": 20}');
    RETURN v_job;
END;
$half$;
SELECT
    is(
        pgimport_test.pick(w.answer, 'checkpoint', 'fence', 'warnings'),
        format(
            'checkpoint=null fence=2 warnings=["file 1 \"a.csv\" is staged from its start: %s"]',
            w.reason
        ),
        format('from the start where %s', w.reason)
    )
FROM (
    SELECT
        v.reason,
        pgimport.stage_file(
            pgimport_test.half(), 'a.csv', v.header::text[],
            jsonb_build_object('file_no', 1, 'resume', true) || v.options::jsonb
        ) AS answer
    FROM (
        VALUES
        (
            'its bytes are others than before', '{merchant_id,code,sku}',
            format('{"sha256": "%s"}', repeat('d', 64))
        ),
        ('its header is another one than before', '{merchant_id,code,serial}', '{}'),
        (
            'it is to be read in another way than before', '{merchant_id,code,sku}',
            '{"delimiter": ";"}'
        ),
        (
            'its fields go to other columns than before', '{merchant_id,code,sku}',
            '{"mapping": {"sku": "serial"}}'
        )
    ) AS v (reason, header, options)
) AS w;

SELECT pgimport_test.half() AS job \gset
SELECT pgimport.finish_file(:'job', 1, NULL, '{"failed": "x"}');
SELECT matches(
    pgimport.stage_file(
        :'job', 'a.csv', '{merchant_id,code,sku}', '{"file_no": 1, "resume": true}'
    ) ->> 'warnings', 'it was failed', 'a failed file begins anew'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job') -> 'files' -> 0, 'status', 'checkpoint_rows', 'error_message'
    ),
    'status=open checkpoint_rows=null error_message=null', 'with nothing of the old one'
);
SELECT matches(
    pgimport.stage_file(
        :'job', 'a.csv', '{merchant_id,code,sku}', '{"file_no": 1, "resume": true}'
    ) ->> 'warnings', 'it has no checkpoint', 'so does one without a checkpoint'
);

-- rows that are gone, as after a crash of the server
SELECT pgimport_test.half() AS job \gset
SELECT format('TRUNCATE pgimport_staging.job_%s_f1', replace(:'job', '-', '')) AS empty \gset
SELECT :'empty' AS statement \gexec
SELECT is(
    pgimport_test.pick(
        pgimport.stage_file(
            :'job', 'a.csv', '{merchant_id,code,sku}', '{"file_no": 1, "resume": true}'
        ), 'status', 'checkpoint'
    ),
    'status=staging checkpoint=null', 'rows that a crash has emptied are loaded from the start'
);
SELECT pgimport_test.load(:'job', 'A', 'B');
SELECT is(pgimport_test.row_numbers(:'job'), '1A,2B', 'and numbered from one');
SELECT pgimport.finish_file(:'job', 1, 2);
SELECT pgimport.check_job(:'job');
SELECT :'empty' AS statement \gexec
SELECT is(
    pgimport_test.pick(
        pgimport.stage_file(
            :'job', 'a.csv', '{merchant_id,code,sku}', '{"file_no": 1, "resume": true}'
        ), 'status', 'checkpoint'
    ),
    'status=staging checkpoint=null', 'the same of a file that was staged'
);
SELECT is(
    (
        SELECT array_agg(e.to_status ORDER BY e.event_id) FROM pgimport.job_events(:'job') AS e
        WHERE e.from_status IN ('checked', 'staging_lost')
    ),
    '{staging_lost,staging}'::text[], 'and the log says that the staging was lost'
);

-- rows that nobody knows
SELECT pgimport_test.half() AS job \gset
SELECT pgimport_test.load(:'job', 'X');
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''a.csv'', ''{merchant_id,code,sku}'', '
        '''{"file_no": 1, "resume": true}'')', :'job'
    ),
    'PI309',
    'file "a.csv" cannot be gone on with: its checkpoint is after 2 rows, but 3 rows staged',
    'rows behind the checkpoint are not taken for the file''s'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{merchant_id,code,sku}');
SELECT pgimport_test.load(:'job', 'X');
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1)', :'job'), 'PI309', NULL,
    'a file that has rows and no checkpoint is not begun'
);

-- misuse
SELECT throws_ok(
    $$SELECT pgimport.checkpoint_file(NULL, 1)$$, 'PI001', NULL, 'a job must be named'
);
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 7)', :'job'), 'PI301', NULL, 'and a file of it'
);
SELECT
    throws_ok(
        format('SELECT pgimport.checkpoint_file(%L, 1, %s, %L)', :'job', w.rows, w.options),
        w.code, NULL, format('refused: %s rows, %s', w.rows, w.options)
    )
FROM (
    VALUES
    ('1', '{}', 'PI003'), ('-1', '{"bytes": 1}', 'PI003'), ('1', '{"bytes": -1}', 'PI003'),
    ('1', '{"bytes": 1, "sha256": "abc"}', 'PI003'), ('1', '{"bytes": 1, "state": 7}', 'PI003'),
    ('1', '{"byte": 1}', 'PI002')
) AS w (rows, options, code);
SELECT throws_ok(
    format('SELECT pgimport.stage_file(%L, ''a.csv'', ''{code}'', ''{"resume": true}'')', :'job'),
    'PI003', NULL, 'only a file that is there can be gone on with'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_file(%L, ''a.csv'', ''{code}'', ''{"resume": 1}'')', :'job'),
    'PI003', NULL, 'resume is true or false'
);

SELECT * FROM finish();
ROLLBACK;
