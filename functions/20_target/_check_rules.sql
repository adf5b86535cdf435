-- Refuses unknown keys and wrong values in the rules of a column.
-- Called by set_column(). Raises PI002, PI003, PI211.
CREATE OR REPLACE FUNCTION pgimport._check_rules(
    p_rules jsonb,
    p_column record
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_rules$
DECLARE
    c_known CONSTANT text[] := '{aliases,required,default,trim,null_values,allowed,pattern,min,max,
        date_formats,decimal_comma,thousands,true_words,false_words,excel_damage,sensitive,
        on_update,lookup}'::text[];
    r_rule record;
    v_wanted text;
BEGIN
    PERFORM pgimport._require_keys(p_rules, c_known, 'p_rules of set_column');

    FOR r_rule IN
        SELECT r.key, r.value, jsonb_typeof(r.value) AS type, r.value #>> '{}' AS text
        FROM jsonb_each(p_rules) AS r
        ORDER BY r.key
    LOOP
        v_wanted := CASE
            WHEN r_rule.key = 'on_update' AND p_column.key_position IS NOT NULL
                THEN 'left out: the column is part of the key, and keys are never updated'
        END;
        v_wanted := coalesce(v_wanted, pgimport._rule_wanted(
            r_rule.key, r_rule.value, p_column.type_name, p_column.base_type, p_column.is_text,
            p_column.max_length
        ));
        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('rule "%s" must be %s', r_rule.key, v_wanted),
                DETAIL = format('It was: %s', left(r_rule.value::text, 200)),
                HINT = 'For example: {"aliases": ["batch_id"], "trim": true, '
                    '"null_values": ["N/A"], "min": 0, "date_formats": ["DD/MM/YYYY"]}';
        END IF;
    END LOOP;

    IF p_rules ? 'lookup' THEN
        PERFORM pgimport._check_lookup(p_column.column_name, p_rules -> 'lookup');
    END IF;

    IF pgimport._cast_sqlstate(p_rules ->> 'min', p_column.type_name) IS NULL
        AND p_rules ?& '{min,max}'
        AND NOT pgimport._is_range(
            p_rules ->> 'min', p_rules ->> 'max', p_column.type_name
        )
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'rule "min" must not be greater than rule "max"',
            DETAIL = format('They were: %s and %s', p_rules -> 'min', p_rules -> 'max'),
            HINT = 'For example: {"min": 0, "max": 100}';
    END IF;
END
$_check_rules$;

COMMENT ON FUNCTION pgimport._check_rules(jsonb, record) IS
'internal: refuses unknown keys and wrong values in the rules of a column.';

-- Whether two texts are values of a type and the first is not greater. Called by _check_rules.
CREATE OR REPLACE FUNCTION pgimport._is_range(
    p_min text,
    p_max text,
    p_type_name text
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_range$
-- a type's name is from the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_ordered boolean;
BEGIN
    EXECUTE format('SELECT $1::%1$s <= $2::%1$s', p_type_name) INTO v_ordered USING p_min, p_max;
    RETURN v_ordered;
END;
$_is_range$;

COMMENT ON FUNCTION pgimport._is_range(text, text, text) IS
'internal: whether two texts are values of a type in their order.';
