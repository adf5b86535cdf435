-- By what two names are taken for the same: their letters and digits as _normalise() leaves them,
-- or the whole name in lower case where nothing is left (names without any Latin letter).
-- Called by suggest_mapping().
CREATE OR REPLACE FUNCTION pgimport._spelling(
    p_name text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN coalesce(nullif(pgimport._normalise(p_name), ''), lower(btrim(p_name)));

COMMENT ON FUNCTION pgimport._spelling(text) IS
'internal: by what two names of a column are taken for the same.';
