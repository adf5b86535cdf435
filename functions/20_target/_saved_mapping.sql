-- What two headers have in common whose files take the same mapping: the names in their order,
-- case, accents, spaces and signs left out.
-- Called by _saved_mapping() and _keep_mapping().
CREATE OR REPLACE FUNCTION pgimport._fingerprint(
    p_header text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_fingerprint$
BEGIN
    RETURN (
        SELECT encode(sha256(convert_to(
            jsonb_agg(coalesce(pgimport._spelling(h.header), '') ORDER BY h.place)::text, 'UTF8'
        )), 'hex')
        FROM unnest(p_header) WITH ORDINALITY AS h (header, place)
    );
END
$_fingerprint$;

COMMENT ON FUNCTION pgimport._fingerprint(text[]) IS
'internal: hash of the names of a header, the same for other spellings of them.';

-- The newest mapping that was saved for files with this header, its keys as this header spells
-- them; one of the tenant's own goes before one for every tenant. misfit says why it cannot be
-- used: the table has changed since. All null where none is saved.
-- Called by _file_mapping().
CREATE OR REPLACE FUNCTION pgimport._saved_mapping(
    p_target_id bigint,
    p_tenant text,
    p_header text[],
    OUT label text,
    OUT mapping jsonb,
    OUT misfit text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_saved_mapping$
DECLARE
    r_saved pgimport.saved_mapping;
BEGIN
    IF NOT EXISTS (SELECT FROM pgimport.saved_mapping AS s WHERE s.target_id = p_target_id) THEN
        RETURN;
    END IF;
    SELECT s.* INTO r_saved
    FROM pgimport.saved_mapping AS s
    WHERE s.target_id = p_target_id
        AND s.fingerprint = pgimport._fingerprint(p_header)
        AND (s.tenant IS NULL OR s.tenant = p_tenant)
    ORDER BY s.tenant IS NULL, s.mapping_id DESC
    LIMIT 1;
    IF r_saved.mapping_id IS NULL THEN
        RETURN;
    END IF;

    label := format('"%s", version %s', r_saved.name, r_saved.version);
    -- of two fields that are called the same the first counts
    SELECT jsonb_object_agg(h.header, h.said ORDER BY h.place DESC) INTO mapping
    FROM (
        SELECT n.header, r_saved.mapping -> n.saved_as AS said, n.place
        FROM unnest(p_header, r_saved.header) WITH ORDINALITY AS n (header, saved_as, place)
    ) AS h
    WHERE h.header IS NOT NULL AND h.said IS NOT NULL;
    mapping := coalesce(mapping, '{}');
    PERFORM pgimport._check_mapping(p_target_id, mapping);
EXCEPTION
    WHEN SQLSTATE 'PI206' OR SQLSTATE 'PI207' THEN
        mapping := NULL;
        misfit := sqlerrm;
END
$_saved_mapping$;

COMMENT ON FUNCTION pgimport._saved_mapping(bigint, text, text[]) IS
'internal: the newest saved mapping for files with this header.';
