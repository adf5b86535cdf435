-- Refuses a job whose rows were checked under other columns, keys or rules than its target has now.
-- Called by what reads the table of values: preview, rehearsal and insert. Raises PI102.
CREATE OR REPLACE FUNCTION pgimport._require_rules(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_rules$
BEGIN
    IF p_job.check_hash <> pgimport._check_hash(p_job) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI102',
            MESSAGE = format('job "%s" was checked under other rules', p_job.job_id),
            DETAIL = 'columns, key or rules of the target changed since',
            HINT = format('select pgimport.check_job(%L);', p_job.job_id);
    END IF;
END;
$_require_rules$;

COMMENT ON FUNCTION pgimport._require_rules(pgimport.job) IS
'internal: raises PI102 when the target changed since a job was checked.';
