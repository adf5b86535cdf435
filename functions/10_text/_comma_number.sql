-- Numbers as people write them, made into numbers as PostgreSQL reads them. Groups of thousands
-- may be parted by a space, a no-break space (U+00A0), a narrow one (U+202F) or an apostrophe, if
-- the groups are complete and parted in one way. A text that fits neither stays as it is with a
-- question mark before it: no cast accepts that, and nothing is guessed.
-- Here with a decimal comma; a dot parts thousands: 1.234,56 is 1234.56, and 12.5 is no number.
-- Called by the SQL that _convert_sql() writes, once a value.
CREATE OR REPLACE FUNCTION pgimport._comma_number(
    p_text text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text ~ '^[+-]?[0-9]+$' THEN p_text
    WHEN p_text ~ E'^[+-]?([0-9]+|[0-9]{1,3}(([ .\u00a0\u202f''\u2019])[0-9]{3})'
        '(\\3[0-9]{3})*)?(,[0-9]+)?$'
        AND p_text ~ '[0-9]'
    THEN translate(p_text, E', .\u00a0\u202f''\u2019', '.')
    WHEN lower(p_text) IN ('nan', 'infinity', '-infinity', 'inf', '-inf') THEN p_text
    ELSE '?' || p_text
END;

COMMENT ON FUNCTION pgimport._comma_number(text) IS
'internal: a number written with a decimal comma, as PostgreSQL reads it.';
