-- insert_job with batch_rows: one batch a call, each row once, undone as one job.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(28);

INSERT INTO pgimport_test.things (code, amount) VALUES ('a1', 0), ('a2', 0);
SELECT pgimport_test.things_job(
    '{code,amount}', 'a3,3', 'a1,1', 'a4,4', 'a4,4', 'a5,x', 'a6,6', 'a7,7', 'a8,8'
) AS job \gset

SELECT is(
    (pgimport.insert_job(:'job', '{"dry_run": true, "batch_rows": 2}') ->> 'rows_remaining')
    || ' ' || (
        SELECT j.status FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ),
    '5 checked', 'a dry run says how many rows there are to write, and begins no batch'
);
SELECT pgimport.insert_job(:'job', '{"batch_rows": 2}') AS answer \gset
SELECT is(
    (
        SELECT array_agg(:'answer'::jsonb ->> k.name ORDER BY k.place)
        FROM unnest('{success,status,batch_no,rows_inserted,rows_remaining,expected}'::text[])
            WITH ORDINALITY AS k (name, place)
    ),
    '{true,inserting,1,2,3,5}',
    'a call with batch_rows writes that many rows and leaves the job inserting'
);
SELECT is(
    (SELECT string_agg(t.code, ' ' ORDER BY t.code) FROM pgimport_test.things AS t),
    'a1 a2 a3 a4', 'a batch takes the rows in the order of the files, clean ones alone'
);
SELECT is(
    (
        SELECT string_agg(c.relpersistence::text, '') FROM pg_class AS c
        WHERE c.relname IN (
                pgimport._staging_name(:'job', '_value'), pgimport._staging_name(:'job', '_mark')
            )
    ),
    'pp', 'once a batch is written, what the others need would outlive a crash of the server'
);
SELECT is(
    pgimport.verify_job(:'job') ->> 'verified', 'true',
    'what is written so far of a job that is inserting can be verified'
);
SELECT is(
    (SELECT pgimport.plan_rollback(:'job') -> 'delete'), '2',
    'what is written so far can be planned to be rolled back'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, p_options => ''{"filter": {"code": "a3"}}'')', :'job'),
    'PI501', NULL, 'no part of a job is rolled back while rows of it are still to come'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI102', NULL,
    'a job that is inserting is not checked again: its own rows would be duplicates'
);
SELECT throws_ok(
    format('SELECT pgimport.clear_staging(%L)', :'job'), 'PI102', NULL,
    'the staged rows of a job that is inserting are not freed'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'')', :'job'), 'PI102', NULL,
    'a job that is inserting takes no further file'
);

INSERT INTO pgimport_test.things (code) VALUES ('a6');
SELECT is(
    (
        SELECT
            concat_ws(
                ' ', a ->> 'status', a ->> 'rows_inserted', a ->> 'rows_remaining',
                a ->> 'new_database_duplicates'
            )
        FROM pgimport.insert_job(:'job', '{"batch_rows": 2}') AS a
    ),
    'inserting 3 1 1', 'a row that came into the target between two batches is skipped'
);
SELECT is(
    (
        SELECT
            concat_ws(
                ' ', a ->> 'status', a ->> 'rows_inserted', a ->> 'rows_skipped',
                a ->> 'rows_rejected', a ->> 'rows_remaining'
            )
        FROM pgimport.insert_job(:'job', '{"batch_rows": 2}') AS a
    ),
    'completed 4 3 1 0', 'the batch that writes the last row completes the job'
);
SELECT is(
    pgimport.insert_job(:'job', '{"batch_rows": 2}') ->> 'message',
    format('job %s was completed before: nothing was done now', :'job'),
    'a further call changes nothing'
);
SELECT is(
    (
        SELECT
            concat_ws(
                ' ', v ->> 'verified', v ->> 'actual_count',
                (v ->> 'checksum_staged') = (v ->> 'checksum_target')
            )
        FROM pgimport.verify_job(:'job') AS v
    ),
    'true 4 t', 'the checksums of all batches together are those of the table'
);
SELECT is(
    pgimport.verify_install() ->> 'success', 'true', 'the log of batches leads to the state'
);
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'status', a ->> 'rows_deleted')
        FROM pgimport.rollback_job(:'job') AS a
    ),
    'rolled_back 4', 'all batches are rolled back as one job'
);
SELECT is(
    (SELECT string_agg(t.code, ' ' ORDER BY t.code) FROM pgimport_test.things AS t),
    'a1 a2 a6', 'and the table is as before, with what others wrote meanwhile'
);

-- a batch that fails
SELECT pgimport_test.things_job('{code,amount}', 'b1,1', 'b2,2', 'b3,3', 'bad,4') AS job \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 3}') ->> 'status' AS status \gset
SELECT is(
    (
        SELECT
            concat_ws(
                ' ', a ->> 'success', a ->> 'code', a ->> 'status',
                a #>> '{details,sqlstate}', a ->> 'rows_remaining'
            )
        FROM pgimport.insert_job(:'job', '{"batch_rows": 3}') AS a
    ),
    'false PI407 inserting P7777 1', 'a batch that fails is undone alone; the job stays inserting'
);
SELECT is(
    (
        SELECT j.error_sqlstate FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'P7777',
    'why it failed stands in the job'
);
ALTER TABLE pgimport_test.things DISABLE TRIGGER judge;
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'status', a ->> 'rows_inserted')
        FROM pgimport.insert_job(:'job') AS a
    ),
    'completed 4', 'without batch_rows all that remains is written at once'
);
ALTER TABLE pgimport_test.things ENABLE TRIGGER judge;

SELECT pgimport_test.things_job('{code,amount}', 'bad2,1', 'c2,2', 'c3,3') AS job \gset
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'code', a ->> 'status')
        FROM pgimport.insert_job(:'job', '{"batch_rows": 2}') AS a
    ),
    'PI404 failed', 'when the first batch fails nothing is written and the job is failed'
);
SELECT pgimport_test.things_job('{code,amount}', 'd1,1', 'd2,2', 'd3,3') AS job \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 2}') ->> 'status' AS status \gset
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'status', a ->> 'rows_deleted', a #>> '{counts,rows_skipped}')
        FROM pgimport.rollback_job(:'job') AS a
    ),
    'rolled_back 2 1', 'a job that stopped between batches is rolled back; the rest is skipped'
);
SELECT is(
    pgimport.verify_install() ->> 'success', 'true', 'and its rows add up'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L, %L)', :'job', v.options), 'PI003', NULL,
    'batch_rows must be a number from 1: ' || v.options
) FROM (VALUES ('{"batch_rows": 0}')) AS v (options);

SELECT pgimport_test.things_job('{code,amount}', 'e1,1', 'e2,2', 'e3,3') AS job \gset
SELECT throws_ok(
    format('CALL pgimport.insert_in_batches(%L, 2)', :'job'), '2D000', NULL,
    'the procedure that commits each batch is refused inside a transaction'
);

-- a limit that is reached between two batches
SELECT pgimport_test.new_job('{"on_duplicate": "error"}', 'things') AS job \gset
SELECT pgimport_test.stage(:'job', '{code}', ARRAY['f1', 'f2', 'f3']);
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 1}') AS answer \gset
INSERT INTO pgimport_test.things (code) VALUES ('f2');
SELECT is(
    (
        SELECT concat_ws(' ', a ->> 'code', a ->> 'status', split_part(a ->> 'message', ':', 1))
        FROM pgimport.insert_job(:'job', '{"batch_rows": 1}') AS a
    ),
    'PI405 inserting nothing more was inserted',
    'a limit that is reached later stops what remains; what is written stays'
);

-- rows that refer to each other
CREATE TABLE pgimport_test.parts (
    id integer PRIMARY KEY,
    whole integer REFERENCES pgimport_test.parts
);
SELECT pgimport.register_target('pgimport_test.parts', 'parts', '{id}', '{}') AS target \gset
SELECT pgimport_test.new_job('{}', 'parts') AS job \gset
SELECT pgimport_test.stage(:'job', '{id,whole}', ARRAY['1,', '2,1', '3,4', '4,1']);
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 2}') -> 'warnings' ->> 0 AS warning \gset
SELECT matches(
    :'warning'::text, 'refer to each other \(parts_whole_fkey\)',
    'where rows refer to each other it is said that batches have an order'
);
SELECT pgimport.insert_job(:'job', '{"batch_rows": 1}') AS answer \gset
SELECT is(
    (
        SELECT concat_ws(' ', :'answer'::jsonb ->> 'code', a ->> 'status')
        FROM pgimport.insert_job(:'job') AS a
    ),
    'PI407 completed',
    'a batch that lacks the row it refers to is undone; all the rest at once is not'
);

SELECT * FROM finish();
ROLLBACK;
