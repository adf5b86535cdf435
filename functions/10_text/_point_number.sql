-- Thousands as in _comma_number().
-- With a decimal point; a comma parts thousands, too: 1,234.56 is 1234.56, and 12,5 is no number.
-- Called by the SQL that _convert_sql() writes, once a value.
CREATE OR REPLACE FUNCTION pgimport._point_number(
    p_text text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text ~ '^[+-]?[0-9]+(\.[0-9]+)?$' THEN p_text
    WHEN p_text ~ E'^[+-]?[0-9]{1,3}(([ ,\u00a0\u202f''\u2019])[0-9]{3})(\\2[0-9]{3})*([.][0-9]+)?$'
    THEN translate(p_text, E' ,\u00a0\u202f''\u2019', '')
    ELSE p_text
END;

COMMENT ON FUNCTION pgimport._point_number(text) IS
'internal: a number written with a decimal point and groups of thousands, as PostgreSQL reads it.';
