-- A job that was rolled back is imported once more, under its own id.
BEGIN;
\ir ../setup.psql
SELECT plan(44);
SELECT pgimport_test.codes_target();

-- the codes in the table, with whose they are
CREATE FUNCTION pgimport_test.codes_of(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $codes_of$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(c.code, ',' ORDER BY c.code), 'none')
        FROM pgimport_test.codes AS c WHERE c.import_job_id IS NOT DISTINCT FROM p_job_id
    );
END;
$codes_of$;

-- misuse
SELECT throws_ok('SELECT pgimport.redo_job(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.redo_job('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', pgimport_test.checked_job('{Z}')),
    'PI102', NULL, 'a job that was never completed is not redone'
);

-- the whole way
SELECT pgimport_test.completed_job('{A,B,C}', '{"idempotency_key": "k"}') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'job'), 'success', 'status', 'redone', 'rows_inserted', 'message'
    ),
    format(
        'success=true status=completed redone=0 rows_inserted=3 '
        'message=job %s is completed: nothing to redo', :'job'
    ), 'redo of a completed job says so'
);
SELECT pgimport.rollback_job(:'job', p_reason => 'wrong merchant');
SELECT is(pgimport_test.codes_of(:'job'), 'none', 'the rollback took the rows away');
SELECT pgimport.redo_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'redone', 'rows_inserted', 'rows_updated', 'rows_skipped',
        'rows_rejected', 'expected'
    ),
    'success=true status=completed redone=1 rows_inserted=3 rows_updated=0 rows_skipped=0 '
    'rows_rejected=0 expected=3', 'redo inserts them again and answers as insert_job does'
);
SELECT is(
    pgimport_test.pick(:'answer', 'details.check.success', 'details.check.clean_count'),
    'details.check.success=true details.check.clean_count=3',
    'with the answer of the check under details.check'
);
SELECT is(pgimport_test.codes_of(:'job'), 'A,B,C', 'they carry the same id');
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count', 'modified'
    ),
    'verified=true expected_count=3 actual_count=3 modified=0', 'and are verified'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'job'), 'status', 'counts.rows_deleted', 'counts.rows_kept',
        'rollback.rolled_back_at', 'rollback.rolled_back_by', 'rollback.reason', 'rollback.mode',
        'rollback.redone'
    ),
    'status=completed counts.rows_deleted=null counts.rows_kept=null '
    'rollback.rolled_back_at=null rollback.rolled_back_by=null rollback.reason=null '
    'rollback.mode=null rollback.redone=1', 'the job says what is true now'
);
SELECT is(
    (
        SELECT string_agg(e.to_status, ' ' ORDER BY e.event_id) FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'status'
    ), 'staging staged checked completed rolled_back staged checked completed',
    'its log leads through all of it'
);
SELECT is(
    (
        SELECT format('%s %s', e.details ->> 'reason', e.role_name = current_user)
        FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.to_status = 'rolled_back'
    ), 'wrong merchant t', 'and still says who rolled it back and why'
);
SELECT is(
    (
        SELECT pgimport_test.pick(e.details, 'number', 'reason', 'mode', 'rows_deleted')
        FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'redo'
    ), 'number=1 reason=wrong merchant mode=refuse rows_deleted=3',
    'the redo has a line of its own'
);
SELECT pgimport.redo_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'redone', 'details.check'),
    'success=true redone=1 details.check=null', 'a second redo says so'
);
SELECT is(pgimport_test.codes_of(:'job'), 'A,B,C', 'and changes nothing');
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'redo'
    ), 1, 'not even the log'
);

-- rollback of the redo, and again
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job'), 'eligible', 'delete', 'modified', 'already_gone'
    ),
    'eligible=true delete=3 modified=0 already_gone=0', 'the plan of a redo is that of an insert'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted', 'rows_kept'),
    'success=true rows_deleted=3 rows_kept=0', 'a redo is rolled back'
);
SELECT is(
    pgimport_test.pick(pgimport.redo_job(:'job'), 'success', 'redone', 'rows_inserted'),
    'success=true redone=2 rows_inserted=3', 'and redone'
);
SELECT pgimport.rollback_job(:'job');

-- the target as it is now counts
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'B');
ALTER TABLE pgimport_test.codes ADD CONSTRAINT codes_short CHECK (code <> 'C');
SELECT pgimport.redo_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'rows_inserted', 'rows_skipped', 'rows_rejected',
        'details.check.database_duplicates', 'details.check.validation_errors'
    ),
    'success=true rows_inserted=1 rows_skipped=1 rows_rejected=1 '
    'details.check.database_duplicates=1 details.check.validation_errors=1',
    'new rows and constraints of the target are seen'
);
SELECT is(pgimport_test.codes_of(:'job'), 'A', 'only what is clean now is inserted');
SELECT is(
    (SELECT string_agg(i.code, ',') FROM pgimport.issue_report(:'job') AS i),
    'check:codes_short', 'the issues are those of the new check'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=1', 'the rollback takes only that'
);
SELECT is(pgimport_test.codes_of(NULL), 'B', 'and no row of others');

-- refused and failed
ALTER TABLE pgimport_test.codes DROP CONSTRAINT codes_short;
SELECT pgimport_test.completed_job(
    '{R1,R2}', '{"max_duplicate_ratio": 0.2, "idempotency_key": "r"}'
) AS refused \gset
SELECT pgimport.rollback_job(:'refused');
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'R1');
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'refused'), 'success', 'status', 'code', 'redone', 'rows_inserted'
    ),
    'success=false status=checked code=PI403 redone=1 rows_inserted=0',
    'an insert that the limits refuse answers as insert_job does'
);
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'refused'), 'PI102', NULL,
    'the job goes on as any checked one, not by another redo'
);
DELETE FROM pgimport_test.codes
WHERE code = 'R1';
SELECT pgimport.check_job(:'refused');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'refused'), 'success', 'status', 'rows_inserted'),
    'success=true status=completed rows_inserted=2', 'by check and insert'
);
SELECT pgimport.rollback_job(:'refused');
CREATE FUNCTION pgimport_test.refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''not today'' USING ERRCODE = ''P0001''; END';
CREATE TRIGGER refuse BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.refuse();
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'refused'), 'success', 'status', 'code', 'details.sqlstate', 'redone'
    ),
    'success=false status=failed code=PI404 details.sqlstate=P0001 redone=2',
    'an insert that fails leaves the job failed, as insert_job does'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'refused'), 'counts.rows_inserted', 'rollback.until',
        'rollback.rolled_back_at', 'completed_at'
    ),
    'counts.rows_inserted=null rollback.until=null rollback.rolled_back_at=null '
    'completed_at=null', 'with nothing inserted to its name'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'refused'), 'verified', 'actual_count'),
    'verified=true actual_count=0', 'and nothing in the table'
);
DROP TRIGGER refuse ON pgimport_test.codes;
SELECT is(
    pgimport_test.pick(pgimport.cancel_job(:'refused'), 'success', 'status'),
    'success=true status=cancelled', 'it may be given up'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pg_catalog.pg_class AS c
        WHERE c.relname LIKE concat('job\_', replace(:'refused', '-', ''), '%')
            AND c.relkind <> 'i'
    ), 0, 'and leaves no table behind'
);

-- rows that the rollback kept are people's
SELECT pgimport_test.completed_job('{P1,P2,P3}') AS kept \gset
UPDATE pgimport_test.codes SET sku = 'mine'
WHERE code = 'P2';
SELECT pgimport.rollback_job(:'kept', 'keep_modified');
SELECT is(
    pgimport_test.pick(
        pgimport.redo_job(:'kept'), 'success', 'rows_inserted', 'rows_skipped'
    ), 'success=true rows_inserted=2 rows_skipped=1', 'a row that was kept is a duplicate'
);
SELECT is(
    (
        SELECT c.sku FROM pgimport_test.codes AS c
        WHERE c.code = 'P2'
    ), 'mine', 'and stays as somebody made it'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'kept'), 'eligible', 'delete', 'modified', 'already_gone'
    ), 'eligible=true delete=2 modified=0 already_gone=0', 'the next plan leaves it out'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'kept'), 'verified', 'expected_count', 'actual_count', 'modified'
    ), 'verified=true expected_count=2 actual_count=2 modified=0', 'so does verify_job'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'invariant', ',')
        FROM jsonb_array_elements(pgimport.verify_install(true) -> 'checks') AS c
        WHERE NOT (c ->> 'ok')::boolean
    ), NULL, 'all counts of all jobs agree'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'kept'), 'success', 'rows_deleted', 'rows_kept'),
    'success=true rows_deleted=2 rows_kept=0', 'and the rollback of the redo'
);
SELECT is(pgimport_test.codes_of(:'kept'), 'P2', 'it is there to the end');

-- staged rows that are gone
SELECT pgimport_test.completed_job('{G}') AS gone \gset
SELECT pgimport.rollback_job(:'gone');
SELECT pgimport.clear_staging(:'gone');
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'gone'), 'PI315', NULL,
    'a job whose staged rows were cleared is not redone'
);
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'gone'), 'status', 'rollback.redone'),
    'status=rolled_back rollback.redone=0', 'and stays rolled back'
);
SELECT pgimport_test.completed_job('{L1,L2}') AS lost \gset
SELECT pgimport.rollback_job(:'lost');
SELECT format('TRUNCATE pgimport_staging.job_%s', replace(:'lost', '-', '')) \gexec
SELECT throws_ok(
    format('SELECT pgimport.redo_job(%L)', :'lost'), 'PI315', NULL,
    'nor one whose staged rows were lost in a crash'
);
SELECT pgimport_test.completed_job('{L1,L2}') AS again \gset
SELECT is(
    pgimport_test.pick(
        pgimport.get_job(:'again'), 'status', 'counts.rows_inserted'
    ), 'status=completed counts.rows_inserted=2', 'a new job imports them as the first did'
);
SELECT is(
    (
        SELECT string_agg(e.to_status, ' ' ORDER BY e.event_id) FROM pgimport.job_event AS e
        WHERE e.job_id = :'lost' AND e.event = 'status'
    ), 'staging staged checked completed rolled_back', 'the refused redo is not in the log'
);

SELECT * FROM finish();
ROLLBACK;
