-- Code of the issue that says why a text is not a value of a built-in type. It is known that it is
-- none; the text tells whether it is too great a number or no number at all.
-- Called by _find_issues, for culprits only.
CREATE OR REPLACE FUNCTION pgimport._cast_code(
    p_text text,
    p_type oid,
    p_category "char"
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text LIKE '?ambiguous %' THEN 'ambiguous_date'
    WHEN ltrim(p_text, '?') ~ '^[#+-]|E[+]' AND pgimport._is_excel_damage(ltrim(p_text, '?'))
    THEN 'excel_damage'
    -- blanks are those that PostgreSQL skips, not those of the locale
    WHEN p_category = 'N'
        AND btrim(p_text, E' \t\n\r\f\v')
        ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$'
        AND (
            btrim(p_text, E' \t\n\r\f\v') ~ '^[+-]?[0-9]+$' OR p_type NOT IN (20, 21, 23, 26)
        )
    THEN 'out_of_range'
    WHEN p_type IN (20, 21, 23, 26) THEN 'bad_integer'
    WHEN p_type = 2950 THEN 'bad_uuid'
    WHEN p_category = 'N' THEN 'bad_numeric'
    WHEN p_category IN ('D', 'T') THEN 'bad_date'
    WHEN p_category = 'B' THEN 'bad_boolean'
    WHEN p_category = 'E' THEN 'not_allowed'
    ELSE 'bad_value'
END;

COMMENT ON FUNCTION pgimport._cast_code(text, oid, "char") IS
'internal: the issue code for a text that is not a value of a built-in type.';

-- The same for a type of a user: for a domain the constraint that refuses the text, or what is
-- wrong with it as a value of the type below. Called by _find_issues, for culprits only.
CREATE OR REPLACE FUNCTION pgimport._domain_code(
    p_text text,
    p_type_name text,
    p_base_type oid,
    p_category "char"
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_domain_code$
-- a type's name is from the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_constraint text;
BEGIN
    EXECUTE format('SELECT ($1::%s) IS NULL', p_type_name) USING p_text;
    RETURN 'bad_value';
EXCEPTION
    WHEN check_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        RETURN 'check:' || v_constraint;
    WHEN not_null_violation THEN
        RETURN 'required';
    WHEN string_data_right_truncation OR string_data_length_mismatch THEN
        RETURN 'too_long';
    WHEN raise_exception OR division_by_zero THEN
        RETURN 'bad_value';
    WHEN data_exception OR integrity_constraint_violation
        OR syntax_error_or_access_rule_violation OR invalid_schema_name
        OR feature_not_supported OR program_limit_exceeded OR plpgsql_error OR internal_error
    THEN
        RETURN pgimport._cast_code(p_text, p_base_type, p_category);
END;
$_domain_code$;

COMMENT ON FUNCTION pgimport._domain_code(text, text, oid, "char") IS
'internal: the issue code for a text that is not a value of a type that a user made.';
