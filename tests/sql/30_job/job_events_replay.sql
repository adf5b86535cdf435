-- The log of a job tells its whole life.
BEGIN;
\ir ../setup.psql
SELECT plan(17);
SELECT pgimport_test.codes_target();

-- replays the log of a job: the last state, or the first line that does not follow
CREATE FUNCTION pgimport_test.replay(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $replay$
DECLARE
    r_event record;
    v_status text;
BEGIN
    FOR r_event IN
        SELECT e.* FROM pgimport.job_events(p_job_id) AS e WHERE e.to_status IS NOT NULL
    LOOP
        IF r_event.from_status IS DISTINCT FROM v_status
            OR (v_status IS NULL AND r_event.to_status <> 'pending')
            OR (v_status IS NOT NULL AND NOT pgimport._is_edge(v_status, r_event.to_status))
        THEN
            RETURN format('%s, then %s to %s', v_status, r_event.from_status, r_event.to_status);
        END IF;
        v_status := r_event.to_status;
    END LOOP;
    RETURN v_status;
END;
$replay$;

-- a life with detours: mapped anew, staged anew, checked twice, failed, mended, undone
SELECT pgimport_test.new_job('{"actor": "ann"}') AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B'));
SELECT pgimport.check_job(:'job');
SELECT pgimport.set_mapping(:'job', '{"sku": "serial"}');
SELECT pgimport.check_job(:'job');
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('C'));
SELECT pgimport.check_job(:'job');
CREATE FUNCTION pgimport_test.no_b()
RETURNS trigger
LANGUAGE plpgsql
AS $no_b$
BEGIN
    RAISE EXCEPTION 'no B please';
END;
$no_b$;
CREATE TRIGGER no_b BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW WHEN (new.code = 'B') EXECUTE FUNCTION pgimport_test.no_b();
SELECT pgimport.insert_job(:'job') AS failure \gset
SELECT is(
    pgimport.get_job(:'job') ->> 'status', 'failed', 'the insert of this scenario fails first'
);
SELECT is(pgimport_test.replay(:'job'), 'failed', 'the log of a failed job replays to failed');
DROP TRIGGER no_b ON pgimport_test.codes;
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.replay(:'job'), 'completed', 'mended and inserted, to completed');
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT is(
    pgimport_test.replay(:'job'), pgimport.get_job(:'job') ->> 'status',
    'and after the rollback to the state the job is in'
);
SELECT is(
    (
        SELECT array_agg(e.to_status ORDER BY e.event_id)
        FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'status'
    ),
    '{staging,staged,checked,staged,checked,staging,staged,checked,failed,staged,checked,
        completed,rolled_back}'::text[],
    'every state it went through is there, in order'
);
SELECT is(
    (
        SELECT e.details ->> 'sqlstate' FROM pgimport.job_events(:'job') AS e
        WHERE e.to_status = 'failed'
    ),
    'P0001', 'a failure is logged with its SQLSTATE'
);
SELECT ok(
    (
        SELECT bool_and(e.actor = 'ann' AND e.role_name = current_user)
        FROM pgimport.job_events(:'job') AS e
    ),
    'every line says who it was'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.job_events(:'job') AS e
        WHERE e.event IN ('file_staged', 'mapping_set')
    ),
    3::bigint, 'acts that do not move the job are there, too'
);

-- whoever moves the job
UPDATE pgimport.job SET status = 'checked'
WHERE job_id = :'job';
SELECT is(
    (
        SELECT format('%s %s', e.from_status, e.to_status) FROM pgimport.job_events(:'job') AS e
        ORDER BY e.event_id DESC LIMIT 1
    ),
    'rolled_back checked', 'a direct UPDATE of the status is logged as well'
);
SELECT is(pgimport_test.replay(:'job'), 'checked', 'and the log still replays');

-- every other life: tried again, in batches and undone, redone, in the queue, deleted
SELECT pgimport_test.checked_job('{F,G}') AS job \gset
UPDATE pgimport.job SET status = 'failed'
WHERE job_id = :'job';
SELECT pgimport.retry_job(:'job');
SELECT is(pgimport_test.replay(:'job'), 'completed', 'a job that was tried again replays');
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT pgimport.redo_job(:'job');
SELECT is(pgimport_test.replay(:'job'), 'completed', 'one that was redone');
SELECT pgimport.disable_rollback(:'job');
SELECT pgimport.delete_job(:'job');
SELECT is(pgimport_test.replay(:'job'), 'completed', 'one that was deleted');
SELECT pgimport_test.checked_job('{H,I,J}') AS job \gset
SELECT pgimport.insert_job(:'job', '{"batch_rows": 1}');
SELECT is(pgimport_test.replay(:'job'), 'inserting', 'one whose first batch is written');
SELECT pgimport.rollback_job(:'job', p_reason => 'test');
SELECT is(pgimport_test.replay(:'job'), 'rolled_back', 'and taken back');
SELECT pgimport_test.checked_job('{K}') AS job \gset
SELECT pgimport.submit_job(:'job');
SELECT pgimport.run_next_job();
SELECT is(pgimport_test.replay(:'job'), 'completed', 'one that a worker ran');
SELECT is(
    (
        SELECT count(*) FROM pgimport.verify_install() AS v (answer)
        WHERE NOT (v.answer ->> 'success')::boolean
    ), 0::bigint, 'and verify_install finds all these logs in order'
);

SELECT * FROM finish();
ROLLBACK;
