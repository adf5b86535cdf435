BEGIN;
\ir ../setup.psql
SELECT plan(29);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code, sku)
VALUES (pgimport_test.merchant(), 'OLD', NULL), (pgimport_test.merchant(), 'OLD2', '');

-- all there is in the table
CREATE FUNCTION pgimport_test.content()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT md5(string_agg(c::text, E'\n' ORDER BY c.id)) FROM pgimport_test.codes AS c;
END;
SELECT pgimport_test.content() AS before \gset

-- untouched
SELECT pgimport_test.completed_job('{A,B,C,A,OLD}') AS job \gset
SELECT pgimport.rollback_job(:'job', p_reason => 'wrong merchant') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'target', 'mode', 'rows_deleted', 'rows_restored',
        'rows_kept', 'inserted_originally', 'details.plan.delete'
    ),
    'success=true status=rolled_back target=pgimport_test.codes mode=refuse rows_deleted=3 '
    'rows_restored=0 rows_kept=0 inserted_originally=3 details.plan.delete=3',
    'a rollback deletes what the job inserted'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'counts', 'details', 'inserted_originally', 'job_id', 'later_jobs', 'message', 'mode',
        'partial', 'rows_cascaded', 'rows_deleted', 'rows_kept', 'rows_restored', 'status',
        'success', 'target', 'updated_originally', 'warnings'
    ],
    'and answers with the documented keys and no other'
);
SELECT is(pgimport_test.content(), :'before', 'the table is as before the job');
SELECT is(
    (
        SELECT
            format(
                '%s %s %s', j.rollback_reason, j.rollback_mode, j.rolled_back_by = current_user
            )
        FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'wrong merchant refuse t', 'the job keeps reason, mode and role'
);
SELECT ok(
    EXISTS (
        SELECT FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.from_status = 'completed' AND e.to_status = 'rolled_back'
    ), 'the history has it'
);

-- again
SELECT pgimport.rollback_job(:'job', p_reason => 'again') AS again \gset
SELECT is(
    pgimport_test.pick(
        :'again', 'success', 'status', 'rows_deleted', 'rows_kept', 'inserted_originally'
    ),
    'success=true status=rolled_back rows_deleted=3 rows_kept=0 inserted_originally=3',
    'a second rollback answers what the first did'
);
SELECT matches(:'again'::jsonb ->> 'message', 'nothing was done now', 'and says so');
SELECT is(
    (
        SELECT j.rollback_reason FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'wrong merchant',
    'it changes nothing'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL,
    'a job that was rolled back is not inserted again'
);

-- import after rollback
SELECT pgimport_test.completed_job('{A,B,C}') AS repeated \gset
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'repeated'), 'verified', 'actual_count'),
    'verified=true actual_count=3', 'after a rollback the same rows can be imported'
);

-- modified rows
UPDATE pgimport_test.codes SET sku = 'edited'
WHERE code = 'B';
SELECT pgimport_test.content() AS edited \gset
SELECT pgimport.rollback_job(:'repeated') AS refused \gset
SELECT is(
    pgimport_test.pick(
        :'refused', 'success', 'status', 'code', 'rows_deleted', 'details.plan.modified'
    ),
    'success=false status=completed code=PI504 rows_deleted=0 details.plan.modified=1',
    'a modified row refuses the rollback as a whole'
);
SELECT matches(:'refused'::jsonb ->> 'hint', 'keep_modified', 'the hint names the other modes');
SELECT is(pgimport_test.content(), :'edited', 'and nothing changed');
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'repeated', 'keep_modified'), 'success', 'status', 'mode',
        'rows_deleted', 'rows_kept', 'inserted_originally'
    ),
    'success=true status=rolled_back mode=keep_modified rows_deleted=2 rows_kept=1 '
    'inserted_originally=3',
    'keep_modified keeps the row that somebody wrote'
);
SELECT is(
    (SELECT string_agg(c.code, ' ' ORDER BY c.id) FROM pgimport_test.codes AS c), 'OLD OLD2 B',
    'and deletes the others'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'repeated', 'force'), 'status', 'rows_deleted', 'rows_kept'
    ), 'status=rolled_back rows_deleted=2 rows_kept=1', 'a kept row stays for good'
);

SELECT pgimport_test.completed_job('{F,G}') AS forced \gset
UPDATE pgimport_test.codes SET sku = 'edited'
WHERE code = 'F';
DELETE FROM pgimport_test.codes
WHERE code = 'B';
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'forced', 'force'), 'success', 'mode', 'rows_deleted', 'rows_kept'
    ), 'success=true mode=force rows_deleted=2 rows_kept=0', 'force deletes modified rows, too'
);
SELECT is(pgimport_test.content(), :'before', 'and the table is as before the job');

-- rows that are gone already
SELECT pgimport_test.completed_job('{H,I}') AS gone \gset
DELETE FROM pgimport_test.codes
WHERE code = 'H';
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'gone'), 'success', 'rows_deleted', 'inserted_originally',
        'details.plan.already_gone'
    ),
    'success=true rows_deleted=1 inserted_originally=2 details.plan.already_gone=1',
    'rows that are gone already are no obstacle'
);
SELECT is(pgimport_test.content(), :'before', 'and the table is as before the job');

-- a job that inserted nothing
SELECT pgimport_test.completed_job('{OLD}') AS nothing \gset
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'nothing'), 'success', 'status', 'rows_deleted'),
    'success=true status=rolled_back rows_deleted=0', 'a job that inserted nothing is rolled back'
);

-- two jobs: each takes its own rows
SELECT pgimport_test.completed_job('{J1,J2}') AS first_job \gset
SELECT pgimport_test.completed_job('{J2,J3}') AS second_job \gset
SELECT pgimport.rollback_job(:'first_job');
SELECT is(
    (
        SELECT string_agg(c.code, ' ' ORDER BY c.code) FROM pgimport_test.codes AS c
        WHERE c.code LIKE 'J%'
    ), 'J3', 'a rollback leaves the rows of another job alone'
);
SELECT pgimport.rollback_job(:'second_job');
SELECT is(pgimport_test.content(), :'before', 'and the table is as before both');

-- a trigger that keeps a row
CREATE FUNCTION pgimport_test.keep_row()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN CASE WHEN old.code <> 'KEEP' THEN old END;
END;
$$;
CREATE TRIGGER keep_row BEFORE DELETE ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.keep_row();
SELECT pgimport_test.completed_job('{KEEP,L}') AS kept \gset
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'kept'), 'PI505', NULL,
    'when another number of rows is deleted than planned, all is undone'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.codes AS c
        WHERE c.import_job_id = :'kept'
    ), 2,
    'and nothing is deleted'
);
SELECT is(
    (
        SELECT j.status FROM pgimport.job AS j
        WHERE j.job_id = :'kept'
    ), 'completed',
    'the job stays completed'
);
DROP TRIGGER keep_row ON pgimport_test.codes;

-- a trigger that touches other rows of the job when one is inserted
CREATE FUNCTION pgimport_test.touch()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE pgimport_test.codes SET points = 1 WHERE id = new.id;
    RETURN NULL;
EXCEPTION
    WHEN division_by_zero THEN
        RETURN NULL;
END;
$$;
CREATE TRIGGER touch AFTER INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.touch();
SELECT pgimport_test.completed_job('{T1,T2,T3}') AS touched \gset
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'touched'), 'verified', 'modified'),
    'verified=true modified=0',
    'rows that the table''s own triggers wrote again, even in subtransactions, are untouched'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'touched'), 'success', 'rows_deleted'),
    'success=true rows_deleted=3', 'and are rolled back'
);
DELETE FROM pgimport_test.codes
WHERE code IN ('KEEP', 'L');
SELECT is(pgimport_test.content(), :'before', 'to the table as it was');

SELECT * FROM finish();
ROLLBACK;
