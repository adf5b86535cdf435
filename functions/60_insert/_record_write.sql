-- Records one (sub)transaction that wrote rows of a job and returns its id as rows carry it.
-- p_xmin null: the (sub)transaction that runs now. Its id is read from a row of the log written in
-- it: pg_current_xact_id() is that of the whole transaction, which rows written inside an exception
-- block do not carry. Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._record_write(
    p_job_id uuid,
    p_relation regclass,
    p_rows bigint,
    p_xmin xid,
    p_act text DEFAULT 'insert'
)
RETURNS xid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_record_write$
DECLARE
    v_xmin xid;
    r_event record;
BEGIN
    INSERT INTO pgimport.job_event (job_id, event, details)
    VALUES (p_job_id, 'rows_written', jsonb_build_object('rows', p_rows, 'act', p_act))
    RETURNING event_id, happened_at INTO STRICT r_event;
    -- RETURNING cannot tell it: the table is partitioned
    SELECT e.xmin INTO STRICT v_xmin
    FROM pgimport.job_event AS e
    WHERE e.job_id = p_job_id
        AND e.event_id = r_event.event_id
        AND e.happened_at = r_event.happened_at;

    INSERT INTO pgimport.job_write (
        job_id, write_no, row_xmin, transaction_id, rows_written, act, system_identifier,
        database_oid, relation_oid
    )
    SELECT
        p_job_id,
        coalesce(max(w.write_no), 0) + 1,
        coalesce(p_xmin, v_xmin),
        pg_current_xact_id(),
        p_rows,
        p_act,
        (SELECT c.system_identifier FROM pg_control_system() AS c),
        (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()),
        p_relation
    FROM pgimport.job_write AS w
    WHERE w.job_id = p_job_id;

    RETURN v_xmin;
END;
$_record_write$;

COMMENT ON FUNCTION pgimport._record_write(uuid, regclass, bigint, xid, text) IS
'internal: records a (sub)transaction that wrote rows of a job.';
