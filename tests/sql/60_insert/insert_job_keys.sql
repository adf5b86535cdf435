BEGIN;
\ir ../setup.psql
SELECT plan(18);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY[
        pgimport_test.merchant() || ',A,1', pgimport_test.merchant() || ',A,2',
        pgimport_test.merchant() || ',OLD,3', pgimport_test.merchant() || ',B,many',
        pgimport_test.merchant() || ',C,4'
    ]
);
SELECT pgimport.check_job(:'job');

-- a dry run
SELECT pgimport.insert_job(:'job', '{"dry_run": true}') AS dry \gset
SELECT is(
    pgimport_test.pick(:'dry', 'success', 'status', 'expected', 'rows_inserted', 'details.dry_run'),
    'success=true status=checked expected=2 rows_inserted=0 details.dry_run=true',
    'a dry run says what would be inserted'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 1, 'and writes nothing to the target'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job_write AS w
        WHERE w.job_id = :'job'
    ), 0,
    'nor records any write'
);

-- the insert
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'target', 'expected', 'rows_inserted', 'rows_updated',
        'rows_skipped', 'rows_rejected', 'new_database_duplicates', 'warnings'
    ),
    'success=true status=completed target=pgimport_test.codes expected=2 rows_inserted=2 '
    'rows_updated=0 rows_skipped=2 rows_rejected=1 new_database_duplicates=0 warnings=[]',
    'an insert counts rows inserted, skipped as duplicates and rejected'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'batch_no', 'counts', 'details', 'expected', 'job_id', 'message',
        'new_database_duplicates', 'rows_inserted', 'rows_rejected', 'rows_remaining',
        'rows_skipped', 'rows_unchanged', 'rows_updated', 'status', 'success', 'target', 'warnings'
    ],
    'and answers with the documented keys and no other'
);
SELECT results_eq(
    format(
        'SELECT code, points FROM pgimport_test.codes WHERE import_job_id = %L ORDER BY code',
        :'job'
    ),
    $$VALUES ('A', 1), ('C', 4)$$,
    'the clean rows are in the table, stamped with their job'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.codes AS c
        WHERE c.import_job_id IS NULL
    ), 1,
    'rows that were there are left alone'
);
SELECT is(
    (
        SELECT sum(w.rows_written)::integer FROM pgimport.job_write AS w
        WHERE w.job_id = :'job'
    ), 2,
    'what proves the rows untouched later is recorded'
);
SELECT is(
    (
        SELECT j.rollback_until - j.completed_at FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    )
    > interval '29 days', true, 'the window for a rollback is 30 days'
);
SELECT ok(
    EXISTS (
        SELECT FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.from_status = 'checked' AND e.to_status = 'completed'
    ), 'the history has the change to completed'
);

-- the same again
SELECT pgimport.insert_job(:'job') AS again \gset
SELECT is(
    pgimport_test.pick(
        :'again', 'success', 'status', 'expected', 'rows_inserted', 'rows_skipped', 'rows_rejected'
    ),
    'success=true status=completed expected=2 rows_inserted=2 rows_skipped=2 rows_rejected=1',
    'inserting a completed job again answers the same'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 3, 'and writes nothing'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job', '{"dry_run": true}'), 'success', 'status'),
    'success=true status=completed', 'as a dry run does'
);

-- a job of duplicates only
SELECT pgimport_test.checked_job('{A,C,OLD}') AS nothing \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'nothing'), 'status', 'rows_inserted', 'rows_skipped'),
    'status=completed rows_inserted=0 rows_skipped=3',
    'a job whose rows are all duplicates completes with nothing inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'nothing'), 'verified', 'actual_count'),
    'verified=true actual_count=0', 'and is verified'
);

-- a window of its own
SELECT pgimport.register_target(
    'pgimport_test.codes', 'codes', '{code,merchant_id}', '{"rollback_window": "2 hours"}'
);
SELECT pgimport_test.completed_job('{W}') AS windowed \gset
SELECT is(
    (
        SELECT round(extract(EPOCH FROM j.rollback_until - j.completed_at) / 3600)::integer
        FROM pgimport.job AS j
        WHERE j.job_id = :'windowed'
    ), 2,
    'a target may set another window for rollbacks'
);

-- all columns of the files and constants, and none else
SELECT pgimport_test.new_job('{"constants": {"activated": true}}') AS full_job \gset
SELECT pgimport_test.stage(
    :'full_job', '{merchant_id,code,serial,sku,points,batch_code,price,window_start,stranger}',
    ARRAY[pgimport_test.merchant() || ',F,s1,SKU,5,B1,12.345,2026-01-01 00:00Z,ignored']
);
SELECT pgimport.check_job(:'full_job');
SELECT pgimport.insert_job(:'full_job');
SELECT is(
    (
        SELECT to_jsonb(c) - '{id,import_job_id,created_at,merchant_id,window_start}'::text[]
        FROM pgimport_test.codes AS c
        WHERE c.code = 'F'
    ),
    '{"code": "F", "serial": "s1", "sku": "SKU", "points": 5, "batch_code": "B1", "price": 12.35,
      "activated": true}'::jsonb,
    'all mapped columns and constants are written'
);
SELECT is(
    (
        SELECT array_to_string(j.written_columns, ',') FROM pgimport.job AS j
        WHERE j.job_id = :'full_job'
    ),
    'merchant_id,code,serial,sku,points,batch_code,price,window_start,activated',
    'and the job remembers which'
);

SELECT * FROM finish();
ROLLBACK;
