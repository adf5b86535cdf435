-- SQL expression with the code of the rule that a value breaks, null when it breaks none: what
-- spreadsheets do to texts (excel_damage), then allowed, pattern, min and max. Null when there is
-- nothing to look at. The value is one of the column's type; p_value_sql reads it.
-- Called by _store_values, _scan_values and _find_issues, each with its own way to read the value.
CREATE OR REPLACE FUNCTION pgimport._rule_code_sql(
    p_value_sql text,
    p_type_name text,
    p_is_text boolean,
    p_is_key boolean,
    p_rules jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_rule_code_sql$
DECLARE
    v_text text := CASE
        WHEN p_is_text THEN p_value_sql ELSE format('(%s)::text', p_value_sql)
    END;
    v_conditions text;
BEGIN
    v_conditions := concat_ws(
        ' ',
        CASE WHEN p_is_text AND NOT p_rules @> '{"excel_damage": false}'
            THEN pgimport._excel_damage_sql(p_value_sql, p_is_key) END,
        CASE
            WHEN jsonb_typeof(p_rules -> 'allowed') = 'array' AND p_is_text THEN format(
                'WHEN %s <> ALL (%L::text[]) THEN ''not_allowed''',
                v_text, pgimport._words(p_rules -> 'allowed', NULL)
            )
            WHEN jsonb_typeof(p_rules -> 'allowed') = 'array' THEN format(
                'WHEN %s <> ALL (%L::%s[]) THEN ''not_allowed''',
                p_value_sql, pgimport._words(p_rules -> 'allowed', NULL), p_type_name
            )
        END,
        'WHEN ' || v_text || ' !~ ' || quote_literal(p_rules ->> 'pattern') || ' THEN ''pattern''',
        'WHEN ' || concat_ws(
            ' OR ',
            format('%s < %L::%s', p_value_sql, p_rules ->> 'min', p_type_name)
            || left(p_rules ->> 'min', 0),
            format('%s > %L::%s', p_value_sql, p_rules ->> 'max', p_type_name)
            || left(p_rules ->> 'max', 0)
        ) || CASE WHEN p_rules ?| '{min,max}' THEN ' THEN ''out_of_range''' END
    );
    RETURN 'CASE ' || nullif(v_conditions, '') || ' END';
END;
$_rule_code_sql$;

COMMENT ON FUNCTION pgimport._rule_code_sql(text, text, boolean, boolean, jsonb) IS
'internal: SQL with the code of the rule of set_column() that a value breaks.';

-- SQL condition, as a WHEN … THEN, for texts that a spreadsheet has spoilt: numbers shown with an
-- exponent (1,23E+15), cells too narrow (####), error cells (#N/A) and, in a key, codes that were
-- taken for dates (2-Sep, janv-24). Two cheap searches leave nearly all texts out.
-- Called by _rule_code_sql.
CREATE OR REPLACE FUNCTION pgimport._excel_damage_sql(
    p_text_sql text,
    p_is_key boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN concat_ws(
    ' ',
    format(
        'WHEN (%1$s LIKE ''#%%'' OR %1$s LIKE ''%%E+%%'') AND pgimport._is_excel_damage(%1$s) '
        'THEN ''excel_damage''', p_text_sql
    ),
    CASE WHEN p_is_key THEN format(
                'WHEN %1$s LIKE ''%%-%%'' AND pgimport._is_excel_date(%1$s) THEN ''excel_damage''',
                p_text_sql
            )
    END
);

COMMENT ON FUNCTION pgimport._excel_damage_sql(text, boolean) IS
'internal: SQL condition for texts that a spreadsheet has spoilt.';
