-- Keeps a mapping for files with a header, as a new version, unless the newest one says the same:
-- so the same call again changes nothing. Shared with all who import if the caller administers
-- pgimport, else with the roles whose rights he has.
-- Returns mapping_id, name, version, existing, tenant and is_shared.
-- Called by save_mapping() and save_job_mapping().
CREATE OR REPLACE FUNCTION pgimport._keep_mapping(
    p_target pgimport.target,
    p_tenant text,
    p_name text,
    p_header text[],
    p_mapping jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_keep_mapping$
DECLARE
    c_fingerprint CONSTANT text := pgimport._fingerprint(p_header);
    c_admin CONSTANT boolean := pgimport._is_admin();
    r_newest pgimport.saved_mapping;
    r_kept pgimport.saved_mapping;
BEGIN
    -- two at once: the second finds what the first has kept
    PERFORM pg_advisory_xact_lock(hashtextextended('pgimport.save_mapping', p_target.target_id));
    SELECT s.* INTO r_newest
    FROM pgimport.saved_mapping AS s
    WHERE s.target_id = p_target.target_id
        AND s.fingerprint = c_fingerprint
        AND s.tenant IS NOT DISTINCT FROM p_tenant
    ORDER BY s.mapping_id DESC
    LIMIT 1;

    IF r_newest.header = p_header
        AND r_newest.mapping = p_mapping
        AND r_newest.name = coalesce(p_name, r_newest.name)
        AND r_newest.is_shared >= c_admin
    THEN
        r_kept := r_newest;
    ELSE
        INSERT INTO pgimport.saved_mapping (
            target_id, tenant, fingerprint, version, name, header, mapping, is_shared
        )
        VALUES (
            p_target.target_id, p_tenant, c_fingerprint, coalesce(r_newest.version, 0) + 1,
            coalesce(p_name, r_newest.name, left(array_to_string(p_header, ', '), 60)),
            p_header, p_mapping, c_admin
        )
        RETURNING * INTO r_kept;
    END IF;

    RETURN jsonb_build_object(
        'mapping_id', r_kept.mapping_id,
        'name', r_kept.name,
        'version', r_kept.version,
        'existing', r_kept.mapping_id IS NOT DISTINCT FROM r_newest.mapping_id,
        'tenant', r_kept.tenant,
        'is_shared', r_kept.is_shared
    );
END
$_keep_mapping$;

COMMENT ON FUNCTION pgimport._keep_mapping(pgimport.target, text, text, text[], jsonb) IS
'internal: keeps a mapping for files with a header, as a new version if it says something new.';
