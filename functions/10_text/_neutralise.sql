-- Keeps a spreadsheet from taking a value for a formula: an apostrophe is put before a value that
-- starts with = + - @, tab, carriage return, a full-width = + - @, or an apostrophe. The last is
-- what makes it reversible: _unneutralise() gives back every value as it was.
-- Called by report_copy_sql() for every cell.
CREATE OR REPLACE FUNCTION pgimport._neutralise(
    p_value text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE
    WHEN
        (left(p_value, 1) COLLATE "C") IN (
            '=', '+', '-', '@', chr(9), chr(13), '''', '＝', '＋', '－', '＠'
        )
    THEN '''' || p_value
    ELSE p_value
END;

COMMENT ON FUNCTION pgimport._neutralise(text) IS
'internal: a value that no spreadsheet takes for a formula; undone by _unneutralise().';
