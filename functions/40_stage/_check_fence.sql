-- Refuses a session that opened a file before somebody else opened it again.
-- Called by checkpoint_file and finish_file. Raises PI309.
CREATE OR REPLACE FUNCTION pgimport._check_fence(
    p_file pgimport.file,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_fence$
BEGIN
    IF (p_options ->> 'fence')::bigint <> p_file.fence THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI309',
            MESSAGE = format('file "%s" was opened again by another session: this one must not '
                'go on loading it', p_file.file_name),
            DETAIL = format('the fence is %s, this session has %s',
                p_file.fence, p_options ->> 'fence'),
            HINT = format('select jsonb_pretty(pgimport.get_job(%L));', p_file.job_id);
    END IF;
END;
$_check_fence$;

COMMENT ON FUNCTION pgimport._check_fence(pgimport.file, jsonb) IS
'internal: refuses a session that another one has taken a file from.';
