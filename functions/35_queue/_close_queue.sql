-- Takes a job out of the queue when its status says that no worker is needed any more, whoever
-- changed it: completed, cancelled, or its staged rows lost.
-- Called by a trigger on pgimport.job.
CREATE OR REPLACE FUNCTION pgimport._close_queue()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_close_queue$
BEGIN
    UPDATE pgimport.job_queue AS q
    SET state = CASE new.status
            WHEN 'completed' THEN 'done'
            WHEN 'staging_lost' THEN 'dead'
            ELSE 'cancelled'
        END,
        finished_at = clock_timestamp(),
        lease_until = NULL,
        last_sqlstate = CASE new.status WHEN 'staging_lost' THEN 'PI306'
            WHEN 'cancelled' THEN q.last_sqlstate END,
        last_message = CASE new.status
            WHEN 'staging_lost' THEN 'the staged rows are lost: the server crashed since'
            WHEN 'cancelled' THEN q.last_message
        END
    WHERE q.job_id = new.job_id AND q.state IN ('waiting', 'running');
    RETURN NULL;
END;
$_close_queue$;

COMMENT ON FUNCTION pgimport._close_queue() IS
'internal: trigger that takes a job out of the queue when its status needs no worker any more.';

CREATE OR REPLACE TRIGGER close_queue
AFTER UPDATE OF status ON pgimport.job
FOR EACH ROW
WHEN (
    old.status IS DISTINCT FROM new.status
    AND (
        new.status IN ('completed', 'cancelled', 'staging_lost')
        -- batches of it were taken back; what was completed left the queue before
        OR (new.status = 'rolled_back' AND old.status <> 'completed')
    )
)
EXECUTE FUNCTION pgimport._close_queue();

-- under session_replication_role = replica, too: a job that is over waits for no worker
ALTER TABLE pgimport.job ENABLE ALWAYS TRIGGER close_queue;
