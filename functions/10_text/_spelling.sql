-- By what two names are taken for the same: their letters and digits as _normalise() leaves them,
-- or the whole name where nothing is left (names of signs alone, such as % and #).
-- Called by suggest_mapping(), set_column() and for the fingerprint of a header.
CREATE OR REPLACE FUNCTION pgimport._spelling(
    p_name text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN coalesce(nullif(pgimport._normalise(p_name), ''), btrim(p_name));

COMMENT ON FUNCTION pgimport._spelling(text) IS
'internal: by what two names of a column are taken for the same.';
