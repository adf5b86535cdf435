-- Logs every change of a job's status, whoever made it, and keeps the log append-only.
-- Called by triggers. Raises PI104.
CREATE OR REPLACE FUNCTION pgimport._log_status()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_log_status$
BEGIN
    INSERT INTO pgimport.job_event (job_id, event, from_status, to_status, actor, details)
    VALUES (
        new.job_id, 'status', old.status, new.status,
        pgimport._acting(new.owner_role, new.actor),
        jsonb_strip_nulls(jsonb_build_object(
            'sqlstate', CASE WHEN new.status = 'failed' THEN new.error_sqlstate END,
            'message', CASE WHEN new.status = 'failed' THEN new.error_message END,
            'total_rows', CASE WHEN new.status = 'checked' THEN new.total_rows END,
            'invalid_rows', CASE WHEN new.status = 'checked' THEN new.invalid_rows END,
            'clean_rows', CASE WHEN new.status = 'checked' THEN new.clean_rows END,
            'rows_inserted', CASE WHEN new.status = 'completed' THEN new.rows_inserted END,
            'rows_deleted', CASE WHEN new.status = 'rolled_back' THEN new.rows_deleted END,
            'mode', CASE WHEN new.status = 'rolled_back' THEN new.rollback_mode END,
            'reason', CASE WHEN new.status = 'rolled_back' THEN new.rollback_reason END
        ))
    );
    RETURN NULL;
END;
$_log_status$;

COMMENT ON FUNCTION pgimport._log_status() IS
'internal: trigger that writes every change of a job''s status to its log.';

CREATE OR REPLACE TRIGGER log_status
AFTER UPDATE OF status ON pgimport.job
FOR EACH ROW
WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION pgimport._log_status();

-- under session_replication_role = replica, too: what moves is logged
ALTER TABLE pgimport.job ENABLE ALWAYS TRIGGER log_status;

CREATE OR REPLACE FUNCTION pgimport._guard_event()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_guard_event$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'PI104',
        MESSAGE = format('pgimport.%I is append-only: no %s', tg_table_name, lower(tg_op)),
        HINT = 'read it with pgimport.job_events(job_id)';
END;
$_guard_event$;

COMMENT ON FUNCTION pgimport._guard_event() IS
'internal: trigger that keeps the log of events append-only.';

CREATE OR REPLACE TRIGGER guard_event
BEFORE UPDATE OR DELETE OR TRUNCATE ON pgimport.job_event
FOR EACH STATEMENT EXECUTE FUNCTION pgimport._guard_event();

-- partitions have this one, too: it holds against a write straight into one of them
CREATE OR REPLACE TRIGGER guard_event_row
BEFORE UPDATE OR DELETE ON pgimport.job_event
FOR EACH ROW EXECUTE FUNCTION pgimport._guard_event();

CREATE OR REPLACE TRIGGER guard_write
BEFORE UPDATE OR DELETE OR TRUNCATE ON pgimport.job_write
FOR EACH STATEMENT EXECUTE FUNCTION pgimport._guard_event();

ALTER TABLE pgimport.job_event ENABLE ALWAYS TRIGGER guard_event;
ALTER TABLE pgimport.job_event ENABLE ALWAYS TRIGGER guard_event_row;
ALTER TABLE pgimport.job_write ENABLE ALWAYS TRIGGER guard_write;
