-- The limits, and what is under way of them at this moment, as far as the caller sees the jobs.
-- Called by users. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport.list_limits()
RETURNS TABLE (
    role_name text,
    tenant text,
    running_jobs integer,
    running_now integer,
    staged_bytes bigint,
    staged_now bigint,
    set_at timestamptz,
    set_by text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $list_limits$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        l.role_name,
        l.tenant,
        l.running_jobs,
        CASE WHEN l.running_jobs IS NOT NULL THEN (
            SELECT count(DISTINCT h.pid)::integer
            FROM pgimport._holders_of(pgimport._slot_keys(l.limit_id, l.running_jobs)) AS h
        ) END,
        l.staged_bytes,
        CASE WHEN l.staged_bytes IS NOT NULL
            THEN pgimport._staged_bytes(l.role_name, l.tenant) END,
        l.set_at,
        l.set_by
    FROM pgimport.job_limit AS l
    ORDER BY l.role_name NULLS FIRST, l.tenant NULLS FIRST;
END;
$list_limits$;

COMMENT ON FUNCTION pgimport.list_limits() IS
'Lists the limits of roles and tenants with what is running and staged now. '
'Example: select * from pgimport.list_limits()';
