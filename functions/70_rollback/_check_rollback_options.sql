-- Checks the mode and the options of a rollback.
-- Called by rollback_job. Raises PI002, PI003, PI004, PI506.
CREATE OR REPLACE FUNCTION pgimport._check_rollback_options(
    p_mode text,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_rollback_options$
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{filter,rows,soft_delete,allow_superuser}', 'p_options of rollback_job'
    );

    IF p_mode = 'cascade' OR p_options ?| '{filter,rows,soft_delete}' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI004',
            MESSAGE = 'mode "cascade" and the options filter, rows and soft_delete are not '
                'available in this version',
            HINT = 'modes: refuse, keep_modified, force';
    ELSIF p_mode IS NULL OR p_mode NOT IN ('refuse', 'keep_modified', 'force') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI506',
            MESSAGE = format('mode "%s" of a rollback is not known', coalesce(p_mode, 'null')),
            HINT = 'modes: refuse, keep_modified, force';
    ELSIF jsonb_typeof(p_options -> 'allow_superuser') <> 'boolean' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "allow_superuser" must be true or false',
            HINT = '{"allow_superuser": true}';
    END IF;
END;
$_check_rollback_options$;

COMMENT ON FUNCTION pgimport._check_rollback_options(text, jsonb) IS
'internal: checks the mode and the options of rollback_job.';
