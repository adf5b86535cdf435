-- Tests what must be true at any time in any database with pgimport: how it is installed, and that
-- its jobs, files and logs agree. Changes nothing. p_deep also reads every target whole.
-- Called by users and by the command doctor. Raises PI601.
CREATE OR REPLACE FUNCTION pgimport.verify_install(
    p_deep boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $verify_install$
DECLARE
    v_checks jsonb;
    v_failed bigint;
BEGIN
    IF p_deep AND NOT pgimport._is_admin() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI601',
            MESSAGE = 'the deep check is for those who see every job',
            DETAIL = 'Rows of a job of others would look like rows of no job.',
            HINT = 'select pgimport.verify_install();';
    END IF;

    SELECT
        jsonb_agg(
            jsonb_build_object(
                'invariant', c.invariant,
                'ok', cardinality(c.found) = 0,
                'message', c.message,
                'found', to_jsonb(c.found),
                'hint', CASE WHEN cardinality(c.found) > 0 THEN c.hint END
            )
            ORDER BY c.invariant
        ),
        count(*) FILTER (WHERE cardinality(c.found) > 0)
    INTO v_checks, v_failed
    FROM (
        SELECT k.* FROM pgimport._check_catalog() AS k
        UNION ALL
        SELECT k.* FROM pgimport._check_jobs() AS k
        UNION ALL
        SELECT k.* FROM pgimport._check_targets() AS k WHERE p_deep
    ) AS c;

    RETURN jsonb_build_object(
        'success', v_failed = 0,
        'job_id', NULL,
        'status', NULL,
        'target', NULL,
        'counts', '{}'::jsonb,
        'message', CASE
            WHEN v_failed = 0
                THEN format('all %s checks hold', jsonb_array_length(v_checks))
            ELSE format('%s of %s checks do not hold', v_failed, jsonb_array_length(v_checks))
        END,
        'warnings', '[]'::jsonb,
        'details', '{}'::jsonb,
        'version', pgimport.version(),
        'server_version', current_setting('server_version'),
        'is_extension', EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'pgimport'),
        'checks', v_checks
    );
END;
$verify_install$;

COMMENT ON FUNCTION pgimport.verify_install(boolean) IS
'Tests the install and the agreement of all jobs, files and logs; true also reads every target. '
'Keys: checks [{invariant, ok, message, found, hint}], version, server_version, is_extension. '
'Example: select jsonb_pretty(pgimport.verify_install());';
