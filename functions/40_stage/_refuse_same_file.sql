-- Finds the file that was imported before with the same bytes (and, of a workbook, the same sheet):
-- in a job of this target and tenant that is completed, waits in the queue or has written batches,
-- or in this job; rolled back, cancelled or deleted jobs have released theirs.
-- Called by stage_file. Raises PI304.
CREATE OR REPLACE FUNCTION pgimport._refuse_same_file(
    p_job pgimport.job,
    p_sha256 text,
    p_sheet text,
    p_file_no integer
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_same_file$
DECLARE
    r_same record;
BEGIN
    SELECT f.job_id, f.file_name, f.file_no, j.status, j.completed_at INTO r_same
    FROM pgimport.file AS f
    INNER JOIN pgimport.job AS j ON j.job_id = f.job_id
    WHERE f.sha256 = p_sha256
        AND f.sheet IS NOT DISTINCT FROM p_sheet
        AND j.target_id = p_job.target_id
        AND j.tenant IS NOT DISTINCT FROM p_job.tenant
        AND f.status <> 'failed'
        AND (f.job_id, f.file_no) IS DISTINCT FROM (p_job.job_id, p_file_no)
        AND (
            (j.status IN ('completed', 'queued', 'inserting') AND j.deleted_at IS NULL)
            OR (j.job_id = p_job.job_id AND f.status IN ('open', 'staged'))
        )
    LIMIT 1;

    IF r_same.job_id IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI304',
            MESSAGE = format('these bytes are staged already as "%s" of job "%s"',
                r_same.file_name, r_same.job_id),
            DETAIL = format('sha256 %s; that job is %s%s', p_sha256, r_same.status,
                coalesce(format(' since %s', r_same.completed_at), '')),
            HINT = CASE r_same.status
                WHEN 'queued' THEN 'cancel that job first, or stage with {"force": true}'
                ELSE 'roll that job back first, or stage with {"force": true}'
            END;
    END IF;
END;
$_refuse_same_file$;

COMMENT ON FUNCTION pgimport._refuse_same_file(pgimport.job, text, text, integer) IS
'internal: refuses a file whose bytes are in a living job of the same target and tenant.';
