-- Tells the planner how to find a job's rows in its target, which statistics older than the job
-- cannot: for a job that is small beside the table, by the index on import_job_id, whatever it
-- seems to cost; with p_read_only, for a job that is most of the table, by a scan in parallel.
-- (A DELETE never is parallel, and foreign keys would keep plans made without index scans.)
-- Sets enable_seqscan and enable_indexscan until the calling function ends: it must pin them.
-- Called by verify_job, plan_rollback and rollback_job.
CREATE OR REPLACE FUNCTION pgimport._plan_job_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_read_only boolean
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_plan_job_rows$
DECLARE
    c_small CONSTANT numeric := 0.05;
    c_large CONSTANT numeric := 0.25;
    v_share numeric := coalesce(p_job.rows_inserted, 0)
        / greatest(pgimport._estimated_rows(p_relation), 1);
BEGIN
    IF v_share < c_small THEN
        PERFORM set_config('enable_seqscan', 'off', true);
    ELSIF p_read_only AND v_share > c_large THEN
        PERFORM set_config('enable_indexscan', 'off', true);
    END IF;
END;
$_plan_job_rows$;

COMMENT ON FUNCTION pgimport._plan_job_rows(pgimport.job, regclass, boolean) IS
'internal: tells the planner whether a job is a small or a large part of its target.';
