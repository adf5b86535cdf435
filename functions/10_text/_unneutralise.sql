-- Takes off the apostrophe that _neutralise() has put before a value, and only that one.
-- Called when a reported row is read back.
CREATE OR REPLACE FUNCTION pgimport._unneutralise(
    p_value text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE
    WHEN
        left(p_value, 1) = ''''
        AND (substr(p_value, 2, 1) COLLATE "C") IN (
            '=', '+', '-', '@', chr(9), chr(13), '''', '＝', '＋', '－', '＠'
        )
    THEN substr(p_value, 2)
    ELSE p_value
END;

COMMENT ON FUNCTION pgimport._unneutralise(text) IS
'internal: the value as it was before _neutralise().';
