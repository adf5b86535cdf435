-- Takes the next free number of a job for a file without waiting for files that other sessions
-- are opening at this moment: a number is claimed by an advisory lock, held to the end of the
-- transaction. Called by stage_file.
CREATE OR REPLACE FUNCTION pgimport._next_file_no(
    p_job_id uuid
)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_next_file_no$
DECLARE
    v_file_no integer;
BEGIN
    SELECT coalesce(max(f.file_no), 0) + 1 INTO v_file_no
    FROM pgimport.file AS f WHERE f.job_id = p_job_id;

    WHILE NOT pg_try_advisory_xact_lock(
        hashtextextended(format('pgimport file %s %s', p_job_id, v_file_no), 0)
    ) OR EXISTS (
        SELECT FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.file_no = v_file_no
    ) LOOP
        v_file_no := v_file_no + 1;
    END LOOP;

    RETURN v_file_no;
END;
$_next_file_no$;

COMMENT ON FUNCTION pgimport._next_file_no(uuid) IS
'internal: the next number for a file of a job, without waiting for other sessions.';
