-- Which row of a key is written when the files have several, and rows that come and go after the
-- check.
BEGIN;
\ir ../setup.psql
SELECT plan(13);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code, sku, points) VALUES
(pgimport_test.merchant(), 'A', 'OLD', 1),
(pgimport_test.merchant(), 'B', 'OLD', 1);

CREATE FUNCTION pgimport_test.upsert(p_options jsonb, VARIADIC p_lines text[])
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{"on_duplicate": "update"}'::jsonb || p_options);
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{merchant_id,code,sku,points}', ARRAY(
        SELECT concat_ws(',', '11111111-1111-4111-8111-111111111111', l.line)
        FROM unnest(p_lines) WITH ORDINALITY AS l (line, place) ORDER BY l.place
    ));
    PERFORM pgimport.check_job(v_job_id);
    RETURN v_job_id;
END;
$$;
CREATE FUNCTION pgimport_test.shown()
RETURNS text
LANGUAGE sql
STABLE
RETURN (
    SELECT string_agg(concat(c.code, ':', c.sku, coalesce(c.points, 0)), ' ' ORDER BY c.code)
    FROM pgimport_test.codes AS c
);

SELECT pgimport_test.upsert('{}', 'A,X,2', 'A,Y,3', 'C,X,2', 'C,Y,3') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'expected', 'rows_inserted', 'rows_updated', 'rows_skipped'
    ),
    'expected=2 rows_inserted=1 rows_updated=1 rows_skipped=2',
    'of rows of one key in the files one is written'
);
SELECT is(pgimport_test.shown(), 'A:X2 B:OLD1 C:X2', 'the first, for updates and inserts alike');

SELECT pgimport_test.upsert('{"keep": "last"}', 'A,X,2', 'A,Z,4', 'D,X,2', 'D,Y,3') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'rows_inserted', 'rows_updated'),
    'rows_inserted=1 rows_updated=1', 'with keep last'
);
SELECT is(pgimport_test.shown(), 'A:Z4 B:OLD1 C:X2 D:Y3', 'it is the last one');

-- after the check
SELECT pgimport_test.upsert('{}', 'A,N,9', 'B,N,9', 'E,N,9') AS job \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'E');
DELETE FROM pgimport_test.codes
WHERE code = 'B';
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"dry_run": true}'), 'status', 'expected', 'rows_updated',
        'new_database_duplicates'
    ), 'status=checked expected=3 rows_updated=0 new_database_duplicates=1',
    'a dry run writes nothing'
);
SELECT is(
    pgimport.insert_job(:'job', '{"dry_run": true}') ->> 'message',
    'dry run: 1 row would be inserted, 2 updated, nothing was written', 'and says what would be'
);
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'rows_inserted', 'rows_updated', 'new_database_duplicates'),
    'rows_inserted=1 rows_updated=2 new_database_duplicates=0',
    'a row that came after the check is updated, one that went is inserted'
);
SELECT is(pgimport_test.shown(), 'A:N9 B:N9 C:X2 D:Y3 E:N9', 'each as the file says');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=3', 'and verified'
);

SELECT pgimport_test.upsert('{}', 'A,N,9', 'F,N,9') AS job \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'F');
SELECT is(
    pgimport.insert_job(:'job') -> 'warnings',
    '["1 duplicate came into the target after the check, updated here"]'::jsonb,
    'a row that came after the check is told'
);

-- nothing to do
SELECT pgimport_test.upsert('{}', 'A,N,9', 'F,N,9') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ), 'success=true rows_inserted=0 rows_updated=0 rows_unchanged=2',
    'a second import of the same rows changes nothing'
);

-- a job that is done already
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_unchanged'),
    'success=true rows_unchanged=2', 'a job that is done answers with its numbers again'
);

-- the target's own default
SELECT pgimport_test.upsert('{"on_duplicate": "skip"}', 'A,S,1', 'G,S,1') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'rows_inserted', 'rows_updated', 'rows_unchanged',
        'rows_skipped'
    ), 'rows_inserted=1 rows_updated=0 rows_unchanged=0 rows_skipped=1',
    'a job that skips updates nothing'
);

SELECT * FROM finish();
ROLLBACK;
