-- The saved mappings that the caller may see, newest first, page by page: p_after is the last
-- mapping_id of the page before. is_used: the newest for its header and tenant, so the one that
-- stage_file() follows. Called by users. Raises PI003, PI201.
CREATE OR REPLACE FUNCTION pgimport.list_mappings(
    p_target text DEFAULT NULL,
    p_tenant text DEFAULT NULL,
    p_after bigint DEFAULT NULL,
    p_limit integer DEFAULT 100
)
RETURNS TABLE (
    mapping_id bigint,
    target_name text,
    tenant text,
    name text,
    version integer,
    is_used boolean,
    header text[],
    mapping jsonb,
    is_shared boolean,
    saved_by text,
    saved_at timestamptz
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $list_mappings$
#variable_conflict use_column
DECLARE
    v_target_id bigint := CASE WHEN p_target IS NOT NULL
        THEN (pgimport._find_target(p_target)).target_id END;
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_limit" must be between 1 and 10000, not %s', coalesce(p_limit::text, 'null')
            ),
            HINT = 'Page on with p_after, the last mapping_id of the page before.';
    END IF;

    RETURN QUERY
    SELECT
        s.mapping_id, t.name, s.tenant, s.name, s.version,
        NOT EXISTS (
            SELECT FROM pgimport.saved_mapping AS n
            WHERE n.target_id = s.target_id
                AND n.fingerprint = s.fingerprint
                AND n.tenant IS NOT DISTINCT FROM s.tenant
                AND n.mapping_id > s.mapping_id
        ),
        s.header, s.mapping, s.is_shared, s.owner_role, s.saved_at
    FROM pgimport.saved_mapping AS s
    INNER JOIN pgimport.target AS t ON t.target_id = s.target_id AND t.dropped_at IS NULL
    WHERE (v_target_id IS NULL OR s.target_id = v_target_id)
        AND (p_tenant IS NULL OR s.tenant = p_tenant)
        AND (p_after IS NULL OR s.mapping_id < p_after)
    ORDER BY s.mapping_id DESC
    LIMIT p_limit;
END
$list_mappings$;

COMMENT ON FUNCTION pgimport.list_mappings(text, text, bigint, integer) IS
'Lists the saved mappings, newest first, of a target and tenant or all; is_used: the newest for '
'its header, which stage_file() follows. Example: select * from pgimport.list_mappings(''codes'')';
