-- The object of functions that act on a target and not on a job: the keys of _envelope(), with
-- job_id and status null and no counts.
-- Called by the public functions of 20_target. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._target_envelope(
    p_target pgimport.target,
    p_message text,
    p_own jsonb DEFAULT '{}',
    p_warnings jsonb DEFAULT '[]',
    p_details jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_target_envelope$
BEGIN
    RETURN jsonb_build_object(
        'success', true,
        'job_id', NULL,
        'status', NULL,
        'target', CASE
            WHEN p_target.target_id IS NOT NULL
                THEN format('%I.%I', p_target.schema_name, p_target.table_name)
        END,
        'counts', '{}'::jsonb,
        'message', p_message,
        'warnings', coalesce(p_warnings, '[]'::jsonb),
        'details', coalesce(p_details, '{}'::jsonb)
    ) || coalesce(p_own, '{}'::jsonb);
END
$_target_envelope$;

COMMENT ON FUNCTION pgimport._target_envelope(pgimport.target, text, jsonb, jsonb, jsonb) IS
'internal: the JSONB object that every act on a target returns.';
