-- "1 row", "2 rows": a number with its noun, for messages.
CREATE OR REPLACE FUNCTION pgimport._count_of(
    p_number bigint,
    p_noun text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN concat(coalesce(p_number, 0), ' ', p_noun, CASE WHEN p_number = 1 THEN '' ELSE 's' END);

COMMENT ON FUNCTION pgimport._count_of(bigint, text) IS
'internal: a number with its noun in the singular or plural.';
