-- A boolean as PostgreSQL reads it: words of the rule, in any case, become true or false; every
-- other text stays as it is. Called by the SQL that _convert_sql() writes, once a value.
CREATE OR REPLACE FUNCTION pgimport._boolean_text(
    p_text text,
    p_true_words text[],
    p_false_words text[]
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text IN ('true', 'false', 't', 'f')
        AND array_position(p_true_words || p_false_words, p_text) IS NULL
    THEN p_text
    WHEN array_position(p_true_words, lower(p_text)) IS NOT NULL THEN 'true'
    WHEN array_position(p_false_words, lower(p_text)) IS NOT NULL THEN 'false'
    ELSE p_text
END;

COMMENT ON FUNCTION pgimport._boolean_text(text, text[], text[]) IS
'internal: true or false for the words of a rule, other texts as they are.';
