-- What is shown of a value of a sensitive column: that there is one.
-- Called for every report, issue and preview that would show such a value.
CREATE OR REPLACE FUNCTION pgimport._mask(
    p_value text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE WHEN p_value IS NOT NULL THEN '***' END;

COMMENT ON FUNCTION pgimport._mask(text) IS
'internal: *** for a value, null for none.';
