-- What the value of a rule should be, in words, where it is something else; null where it is right.
-- Called by _check_rules.
CREATE OR REPLACE FUNCTION pgimport._rule_wanted(
    p_rule text,
    p_value jsonb,
    p_type_name text,
    p_base_type oid,
    p_is_text boolean,
    p_max_length integer
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_rule_wanted$
DECLARE
    c_flags CONSTANT text[] := '{required,trim,decimal_comma,thousands,excel_damage,sensitive}'::text[];
    c_lists CONSTANT text[] := '{aliases,null_values,allowed,date_formats,true_words,false_words}'::text[];
    c_numbers CONSTANT oid[] := ARRAY[
        'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype,
        'real'::regtype, 'double precision'::regtype, 'money'::regtype
    ]::oid[];
    c_dates CONSTANT oid[] := ARRAY[
        'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype
    ]::oid[];
    v_type text := jsonb_typeof(p_value);
    v_text text := p_value #>> '{}';
    v_word text;
BEGIN
    CASE
        WHEN p_rule = ANY (c_flags) AND v_type <> 'boolean' THEN
            RETURN 'true or false';
        WHEN p_rule IN ('decimal_comma', 'thousands') AND p_base_type <> ALL (c_numbers) THEN
            RETURN format('set on a column of numbers; this one is of type %s', p_type_name);
        WHEN p_rule = 'date_formats' AND p_base_type <> ALL (c_dates) THEN
            RETURN format('set on a column of dates; this one is of type %s', p_type_name);
        WHEN p_rule IN ('true_words', 'false_words') AND p_base_type <> 'boolean'::regtype THEN
            RETURN format('set on a boolean column; this one is of type %s', p_type_name);
        WHEN p_rule IN ('min', 'max') AND p_is_text THEN
            RETURN format(
                'set on a column of numbers or dates; for type %s use {"pattern": "^.{2,10}$"}',
                p_type_name
            );
        WHEN p_rule = ANY (c_lists) AND (v_type <> 'array' OR jsonb_path_exists(
            p_value,
            CASE WHEN p_rule = 'allowed'
                THEN '$[*] ? (@.type() == "object" || @.type() == "array" || @.type() == "null")'
                ELSE '$[*] ? (@.type() <> "string")' END::jsonpath
        )) THEN
            RETURN CASE p_rule WHEN 'allowed' THEN 'a list of values' ELSE 'a list of texts' END;
        WHEN p_rule = 'aliases' AND jsonb_path_exists(
            p_value, '$[*] ? (@ like_regex "^\\s*$")'
        ) THEN
            RETURN 'a list of names that are not empty';
        WHEN p_rule = ANY ('{allowed,date_formats,true_words,false_words}'::text[])
            AND p_value = '[]'
        THEN
            RETURN 'a list that is not empty';
        WHEN p_rule IN ('default', 'min', 'max', 'pattern') AND v_type IN ('array', 'object') THEN
            RETURN 'a text, number, boolean or null';
        WHEN p_rule IN ('min', 'max') AND v_type = 'null' THEN
            RETURN format('a value of type %s', p_type_name);
        WHEN p_rule IN ('default', 'min', 'max') AND v_type <> 'null' AND (
            pgimport._cast_sqlstate(v_text, p_type_name) IS NOT NULL
            OR length(rtrim(v_text, ' ')) > p_max_length
        ) THEN
            RETURN format('a value of type %s', p_type_name);
        WHEN p_rule = 'pattern' AND (
            v_type <> 'string' OR pgimport._is_pattern(v_text) IS NOT TRUE
        ) THEN
            RETURN 'a regular expression of PostgreSQL, such as "^[0-9]{5}$"';
        WHEN p_rule = 'on_update'
            AND p_value NOT IN ('"overwrite"', '"fill_blank"', '"keep"')
        THEN
            RETURN '"overwrite", "fill_blank" or "keep"';
        WHEN p_rule IN ('lookup', 'on_update') OR p_rule = ANY (c_flags) THEN
            RETURN NULL;
        WHEN p_rule IN ('allowed', 'date_formats') THEN
            FOR v_word IN SELECT jsonb_array_elements_text(p_value) LOOP
                IF p_rule = 'allowed' AND pgimport._cast_sqlstate(v_word, p_type_name) IS NOT NULL
                THEN
                    RETURN format('a list of values of type %s', p_type_name);
                ELSIF p_rule = 'date_formats'
                    AND (pgimport._date_pattern(v_word)).fields IS NULL
                THEN
                    RETURN 'a list of formats of YYYY, YY, MM, MON, MONTH, DD, HH24, HH12, MI, '
                        'SS, MS, US, AM and PM, such as "DD/MM/YYYY"';
                END IF;
            END LOOP;
        ELSE
            NULL;
    END CASE;
    RETURN NULL;
END
$_rule_wanted$;

COMMENT ON FUNCTION pgimport._rule_wanted(text, jsonb, text, oid, boolean, integer) IS
'internal: what the value of a rule should be, null where it is right.';

-- Whether a text is a regular expression. Called by _rule_wanted.
CREATE OR REPLACE FUNCTION pgimport._is_pattern(
    p_pattern text
)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_is_pattern$
BEGIN
    RETURN '' ~ p_pattern IS NOT NULL;
EXCEPTION
    WHEN invalid_regular_expression THEN
        RETURN false;
END;
$_is_pattern$;

COMMENT ON FUNCTION pgimport._is_pattern(text) IS
'internal: whether a text is a regular expression.';
