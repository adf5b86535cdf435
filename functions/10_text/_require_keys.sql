-- Refuses what an options or rules argument must not hold: other things than an object, unknown
-- keys. Null is an object without keys.
-- Called by every function with a jsonb argument. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._require_keys(
    p_json jsonb,
    p_allowed text[],
    p_what text
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_require_keys$
DECLARE
    v_key text;
BEGIN
    IF p_json IS NULL OR jsonb_typeof(p_json) = 'null' THEN
        RETURN;
    END IF;
    IF jsonb_typeof(p_json) <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('%s must be a JSON object, not %s', p_what, jsonb_typeof(p_json)),
            DETAIL = format('It was: %s', left(p_json::text, 200)),
            HINT = format('Give an object such as ''{"%s": …}'', or ''{}''.', p_allowed[1]);
    END IF;
    SELECT k.key
    INTO v_key
    FROM jsonb_object_keys(p_json) AS k (key)
    WHERE k.key <> ALL (p_allowed)
    ORDER BY k.key
    LIMIT 1;
    IF v_key IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI002',
            MESSAGE = format('unknown key "%s" in %s', left(v_key, 200), p_what),
            DETAIL = format('It was: %s', left(p_json::text, 200)),
            HINT = format('Allowed keys: %s.', array_to_string(p_allowed, ', '));
    END IF;
END
$_require_keys$;

COMMENT ON FUNCTION pgimport._require_keys(jsonb, text[], text) IS
'internal: refuses unknown keys (PI002) and what is no object (PI003) in a JSON argument.';
