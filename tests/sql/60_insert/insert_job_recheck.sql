BEGIN;
\ir ../setup.psql
SELECT plan(7);

SELECT pgimport_test.codes_target();
SELECT pgimport_test.checked_job('{A,B,C}') AS first_job \gset
SELECT pgimport_test.checked_job('{B,C,D}') AS second_job \gset

SELECT pgimport.insert_job(:'first_job');
SELECT pgimport.insert_job(:'second_job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'expected', 'rows_inserted', 'rows_skipped',
        'new_database_duplicates', 'counts.database_duplicates', 'counts.clean_rows'
    ),
    'success=true status=completed expected=1 rows_inserted=1 rows_skipped=2 '
    'new_database_duplicates=2 counts.database_duplicates=2 counts.clean_rows=1',
    'duplicates that came between check and insert are skipped and counted'
);
SELECT is(
    :'answer'::jsonb -> 'warnings',
    '["2 duplicates came into the target after the check, skipped here"]'::jsonb,
    'with a warning'
);
SELECT is(
    (SELECT string_agg(c.code, ' ' ORDER BY c.code) FROM pgimport_test.codes AS c), 'A B C D',
    'each key is in the table once'
);

-- a new duplicate may break a limit
SELECT pgimport_test.checked_job('{E,F}', '{"max_duplicate_ratio": 0.4}') AS limited \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'E');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'limited'), 'success', 'status', 'code'),
    'success=false status=checked code=PI403', 'new duplicates count for the limits'
);

-- a job that is both the second occurrence in the file and new in the table
SELECT pgimport_test.checked_job('{G,G,H}') AS twice \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'G');
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'twice'), 'rows_inserted', 'rows_skipped', 'counts.both_duplicates'
    ),
    'rows_inserted=1 rows_skipped=2 counts.both_duplicates=1',
    'a key that is twice in the file and new in the table counts as both'
);

-- large table, small job: keys are looked up in the index
INSERT INTO pgimport_test.codes (merchant_id, code)
SELECT
    pgimport_test.merchant() AS merchant_id,
    format('BULK%s', n) AS code
FROM generate_series(1, 3000) AS n;
ANALYZE pgimport_test.codes;
SELECT pgimport_test.checked_job('{I,J}') AS small \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'J');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'small'), 'rows_inserted', 'new_database_duplicates'),
    'rows_inserted=1 new_database_duplicates=1', 'a small job into a large table does the same'
);

-- a row that went away since is inserted after a new check only
SELECT pgimport_test.checked_job('{A,K}') AS gone \gset
DELETE FROM pgimport_test.codes
WHERE code = 'A';
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'gone'), 'rows_inserted', 'rows_skipped'),
    'rows_inserted=1 rows_skipped=1',
    'a duplicate whose row was deleted since the check stays skipped'
);

SELECT * FROM finish();
ROLLBACK;
