-- Checks the mode and the options of a rollback. Called by plan_rollback and rollback_job.
-- Raises PI002, PI003, PI506.
CREATE OR REPLACE FUNCTION pgimport._check_rollback_options(
    p_mode text,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_rollback_options$
DECLARE
    v_key text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{filter,rows,soft_delete,with_later_jobs,force,allow_superuser}',
        'p_options of rollback_job'
    );
    IF p_mode IS NULL OR p_mode NOT IN ('refuse', 'keep_modified', 'force', 'cascade') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI506',
            MESSAGE = format('mode "%s" of a rollback is not known', coalesce(p_mode, 'null')),
            HINT = 'modes: refuse, keep_modified, force, cascade';
    END IF;

    FOREACH v_key IN ARRAY '{soft_delete,with_later_jobs,force,allow_superuser}'::text[] LOOP
        IF jsonb_typeof(p_options -> v_key) <> 'boolean' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" must be true or false', v_key),
                HINT = format('{"%s": true}', v_key);
        END IF;
    END LOOP;
    IF jsonb_typeof(p_options -> 'filter') <> 'object' OR p_options -> 'filter' = '{}' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "filter" must be an object of columns and values',
            HINT = '{"filter": {"city": "Lyon", "status": ["new", "open"]}}';
    ELSIF jsonb_typeof(p_options -> 'rows') <> 'array' OR p_options -> 'rows' = '[]' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "rows" must be a list of row tokens',
            HINT = '{"rows": ["1-3500-9f2c6a1b"]}';
    ELSIF p_options ?| '{filter,rows}' AND (p_options ->> 'with_later_jobs')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "with_later_jobs" rolls back whole jobs: not together with "filter" '
                'or "rows"',
            HINT = 'roll the later jobs back first, then a part of this one';
    END IF;
END;
$_check_rollback_options$;

COMMENT ON FUNCTION pgimport._check_rollback_options(text, jsonb) IS
'internal: checks the mode and the options of a rollback.';
