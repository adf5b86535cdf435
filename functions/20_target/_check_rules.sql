-- Refuses unknown keys and wrong values in the rules of a column.
-- Called by set_column(). Raises PI002, PI003, PI004.
CREATE OR REPLACE FUNCTION pgimport._check_rules(
    p_rules jsonb,
    p_type_name text,
    p_max_length integer
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_rules$
DECLARE
    c_available CONSTANT text[] := '{aliases,required,default,trim,null_values}'::text[];
    c_later CONSTANT text[] := '{allowed,pattern,min,max,date_formats,decimal_comma,true_words,
        false_words,sensitive,on_update,lookup}'::text[];
    r_rule record;
    v_wanted text;
BEGIN
    PERFORM pgimport._require_keys(p_rules, c_available || c_later, 'p_rules of set_column');

    FOR r_rule IN
        SELECT r.key, r.value, jsonb_typeof(r.value) AS type, r.value #>> '{}' AS text
        FROM jsonb_each(p_rules) AS r
        ORDER BY r.key
    LOOP
        IF r_rule.key = ANY (c_later) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI004',
                MESSAGE = format('rule "%s" is not available in this version', r_rule.key),
                HINT = format('Available rules: %s.', array_to_string(c_available, ', '));
        END IF;
        v_wanted := CASE
            WHEN r_rule.key IN ('required', 'trim') AND r_rule.type <> 'boolean'
                THEN 'true or false'
            WHEN r_rule.key IN ('aliases', 'null_values') THEN
                CASE
                    WHEN r_rule.type <> 'array' OR jsonb_path_exists(
                        r_rule.value, '$[*] ? (@.type() <> "string")'
                    ) THEN 'a list of texts'
                    WHEN r_rule.key = 'aliases' AND jsonb_path_exists(
                        r_rule.value, '$[*] ? (@ like_regex "^\\s*$")'
                    ) THEN 'a list of names that are not empty'
                END
            WHEN r_rule.key = 'default' THEN
                CASE
                    WHEN r_rule.type IN ('array', 'object') THEN 'a text, number, boolean or null'
                    WHEN r_rule.type <> 'null' AND (
                        pgimport._cast_sqlstate(r_rule.text, p_type_name) IS NOT NULL
                        OR length(rtrim(r_rule.text, ' ')) > p_max_length
                    ) THEN format('a value of type %s', p_type_name)
                END
        END;
        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('rule "%s" must be %s', r_rule.key, v_wanted),
                DETAIL = format('It was: %s', left(r_rule.value::text, 200)),
                HINT = 'For example: {"aliases": ["batch_id"], "trim": true, '
                    '"null_values": ["N/A"]}';
        END IF;
    END LOOP;
END
$_check_rules$;

COMMENT ON FUNCTION pgimport._check_rules(jsonb, text, integer) IS
'internal: refuses unknown keys and wrong values in the rules of a column.';
