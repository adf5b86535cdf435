-- Locks a file of a job and returns its row.
-- Called by add_issues and finish_file. Raises PI301 (no such file), PI302 (its status).
CREATE OR REPLACE FUNCTION pgimport._lock_file(
    p_job_id uuid,
    p_file_no integer,
    p_allowed text[]
)
RETURNS pgimport.file
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_lock_file$
DECLARE
    v_file pgimport.file;
BEGIN
    SELECT f.* INTO v_file FROM pgimport.file AS f
    WHERE f.job_id = p_job_id AND f.file_no = p_file_no
    FOR UPDATE;

    IF v_file.job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI301',
            MESSAGE = format('job "%s" has no file %s', p_job_id,
                coalesce(p_file_no::text, 'null')),
            HINT = format('select pgimport.get_job(%L) -> ''files'';', p_job_id);
    ELSIF v_file.status <> ALL (p_allowed) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI302',
            MESSAGE = format('file %s of job "%s" is %s', p_file_no, p_job_id, v_file.status),
            DETAIL = format('it must be: %s', array_to_string(p_allowed, ' or ')),
            HINT = format(
                'stage it again: select pgimport.stage_file(%L, %L, …, ''{"file_no": %s}'');',
                p_job_id, v_file.file_name, p_file_no
            );
    END IF;

    RETURN v_file;
END;
$_lock_file$;

COMMENT ON FUNCTION pgimport._lock_file(uuid, integer, text[]) IS
'internal: locks a file of a job, or raises PI301 or PI302.';
