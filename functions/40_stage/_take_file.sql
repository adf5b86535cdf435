-- Locks a file that is to be opened once more and returns its row. Another session may be loading
-- it at this moment: that is waited for, ten seconds or as long as lock_timeout says.
-- Called by stage_file. Raises PI301 (no such file), PI309 (somebody goes on loading it).
CREATE OR REPLACE FUNCTION pgimport._take_file(
    p_job_id uuid,
    p_file_no integer
)
RETURNS pgimport.file
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_take_file$
DECLARE
    c_timeout CONSTANT text := current_setting('lock_timeout');
    v_file pgimport.file;
    v_pids text;
BEGIN
    IF c_timeout = '0' THEN
        PERFORM set_config('lock_timeout', '10s', true);
    END IF;
    BEGIN
        SELECT f.* INTO v_file FROM pgimport.file AS f
        WHERE f.job_id = p_job_id AND f.file_no = p_file_no
        FOR UPDATE;
    EXCEPTION WHEN lock_not_available THEN
        SELECT string_agg(b.pid::text, ', ' ORDER BY b.pid) INTO v_pids
        FROM pgimport._job_backends(p_job_id) AS b
        WHERE b.act = 'load' AND b.pid <> pg_backend_pid();
        RAISE EXCEPTION USING
            ERRCODE = 'PI309',
            MESSAGE = format('file %s of job "%s" is being loaded by another session',
                p_file_no, p_job_id),
            DETAIL = format('sessions that load files of this job: pid %s',
                coalesce(v_pids, 'not known')),
            HINT = coalesce(
                format('wait for it, or end it: select pg_terminate_backend(%s);',
                    split_part(v_pids, ', ', 1)),
                'wait for it'
            );
    END;
    PERFORM set_config('lock_timeout', c_timeout, true);

    IF v_file.job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI301',
            MESSAGE = format('job "%s" has no file %s', p_job_id, p_file_no),
            HINT = format('select pgimport.get_job(%L) -> ''files'';', p_job_id);
    END IF;

    RETURN v_file;
END;
$_take_file$;

COMMENT ON FUNCTION pgimport._take_file(uuid, integer) IS
'internal: locks a file that is opened once more, or raises PI301 or PI309.';
