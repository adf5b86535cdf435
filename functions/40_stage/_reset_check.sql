-- Forgets what the check of a job found, because its rows or its rules are about to change.
-- Called before staging changes and before a new check.
CREATE OR REPLACE FUNCTION pgimport._reset_check(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_reset_check$
BEGIN
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_rows'));
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_mark'));
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_value'));
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_lookup'));

    -- what an insert or a cancellation has closed keeps its issues for the reports
    DELETE FROM pgimport.issue AS i
    USING pgimport.job AS j
    WHERE i.job_id = p_job_id
        AND i.found_by = 'check'
        AND j.job_id = p_job_id
        AND j.status NOT IN ('completed', 'rolled_back', 'cancelled');

    UPDATE pgimport.job
    SET validated_at = NULL,
        checked_at = NULL,
        check_hash = NULL,
        total_rows = NULL,
        invalid_rows = NULL,
        internal_duplicates = NULL,
        database_duplicates = NULL,
        both_duplicates = NULL,
        clean_rows = NULL,
        mark_snapshot = NULL,
        content_hash = NULL
    WHERE job_id = p_job_id
        AND validated_at IS NOT NULL
        AND status NOT IN ('completed', 'rolled_back', 'cancelled');
END;
$_reset_check$;

COMMENT ON FUNCTION pgimport._reset_check(uuid) IS
'internal: forgets the marks, issues and counts of the last check of a job.';
