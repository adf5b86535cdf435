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
        AND p_text <> ALL (p_true_words) AND p_text <> ALL (p_false_words)
    THEN p_text
    WHEN lower(p_text) = ANY (p_true_words) THEN 'true'
    WHEN lower(p_text) = ANY (p_false_words) THEN 'false'
    ELSE p_text
END;

COMMENT ON FUNCTION pgimport._boolean_text(text, text[], text[]) IS
'internal: true or false for the words of a rule, other texts as they are.';
