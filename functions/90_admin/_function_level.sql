-- The lowest level (viewer, importer, admin) that may call a function of pgimport.
-- Called by _apply_grants(). Private functions are called by the public ones with the caller's own
-- rights; they give nobody a right that he does not have.
CREATE OR REPLACE FUNCTION pgimport._function_level(p_name text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN CASE
    WHEN p_name IN ('_apply_grants', '_apply_policies') THEN 'admin'
    WHEN p_name LIKE '\_%' THEN 'viewer'
    WHEN p_name IN (
            'version', 'verify_install', 'list_targets', 'describe_target', 'suggest_mapping',
            'list_mappings', 'list_jobs', 'get_job', 'job_events', 'job_progress',
            'duplicate_report', 'issue_report', 'issue_summary', 'row_report', 'report_copy_sql',
            'preview_job', 'verify_job', 'plan_rollback', 'rollback_rows', 'row_history', 'doctor',
            'list_limits', 'list_queue'
        )
    THEN 'viewer'
    WHEN p_name IN (
            'register_target', 'drop_target', 'set_column', 'grant_usage', 'disable_old_rollbacks',
            'enable_retention', 'set_limit', 'run_maintenance'
        )
    THEN 'admin'
    ELSE 'importer'
END;

COMMENT ON FUNCTION pgimport._function_level(text) IS
'internal: the lowest level of pgimport.grant_usage() that may call a function.';
