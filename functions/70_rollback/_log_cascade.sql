-- Tells other jobs that a rollback deleted rows of theirs. p_jobs: [{job_id, rows}].
-- Called by _cascade_delete.
CREATE OR REPLACE FUNCTION pgimport._log_cascade(
    p_by_job uuid,
    p_jobs jsonb
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_log_cascade$
BEGIN
    -- an id in a column of that name need not be a job's: then there is no log to write
    PERFORM pgimport._log_event(
        l.job_id, 'rows_cascaded', jsonb_build_object('rows', l.rows, 'by_job', p_by_job)
    )
    FROM (
        SELECT j.job_id, sum(j.rows) AS rows
        FROM jsonb_to_recordset(p_jobs) AS j (job_id uuid, rows bigint)
        WHERE j.job_id <> p_by_job
        GROUP BY j.job_id
        ORDER BY j.job_id
    ) AS l;
END;
$_log_cascade$;

COMMENT ON FUNCTION pgimport._log_cascade(uuid, jsonb) IS
'internal: tells other jobs that a rollback deleted rows of theirs.';
