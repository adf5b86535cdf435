-- Forgets one version of a saved mapping: the version before it is the newest again. Jobs that
-- followed it stay as they are.
-- Called by users: for their own mappings, and by administrators for all. Raises PI001, PI210.
CREATE OR REPLACE FUNCTION pgimport.drop_mapping(
    p_mapping_id bigint
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $drop_mapping$
DECLARE
    r_target pgimport.target;
    r_dropped pgimport.saved_mapping;
BEGIN
    IF p_mapping_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no mapping given: "p_mapping_id" is null',
            HINT = 'select mapping_id, name, version from pgimport.list_mappings();';
    END IF;
    DELETE FROM pgimport.saved_mapping AS s
    WHERE s.mapping_id = p_mapping_id
    RETURNING s.* INTO r_dropped;
    IF r_dropped.mapping_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI210',
            MESSAGE = format('saved mapping %s does not exist, or is not yours to drop',
                p_mapping_id),
            DETAIL = 'A mapping is dropped by the role that saved it, or by an administrator.',
            HINT = 'select mapping_id, name, saved_by from pgimport.list_mappings();';
    END IF;

    SELECT t.* INTO STRICT r_target FROM pgimport.target AS t
    WHERE t.target_id = r_dropped.target_id;
    RETURN pgimport._target_envelope(
        r_target,
        format('mapping "%s", version %s, is dropped', r_dropped.name, r_dropped.version),
        jsonb_build_object(
            'mapping_id', r_dropped.mapping_id,
            'name', r_dropped.name,
            'version', r_dropped.version
        )
    );
END
$drop_mapping$;

COMMENT ON FUNCTION pgimport.drop_mapping(bigint) IS
'Forgets one version of a saved mapping; the version before it counts again. '
'Example: select pgimport.drop_mapping(7)';
