-- Checks the rows of a job anew that a correction changed: those listed in its staging table
-- job_…_fixed (file_no, row_no). Called by apply_fix with the job locked and sealed.
CREATE OR REPLACE FUNCTION pgimport._recheck_rows(
    p_job pgimport.job
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_recheck_rows$
BEGIN
    RETURN pgimport._mark_duplicates(pgimport._validate_values(p_job));
END;
$_recheck_rows$;

COMMENT ON FUNCTION pgimport._recheck_rows(pgimport.job) IS
'internal: checks the rows of a job that a correction changed.';
