-- Casts one text as PostgreSQL would and tells with which SQLSTATE that fails; null when it works.
-- Called for single suspicious values only: the exception block costs some microseconds a call.
CREATE OR REPLACE FUNCTION pgimport._cast_sqlstate(
    p_value text,
    p_type_name text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_cast_sqlstate$
-- @plpgsql_check_options: security_warnings = false
BEGIN
    -- type names come from format_type(): quoted and qualified as needed
    EXECUTE format('SELECT ($1::%s) IS NULL', p_type_name) USING p_value;
    RETURN NULL;
EXCEPTION
    WHEN data_exception OR integrity_constraint_violation
        OR syntax_error_or_access_rule_violation OR invalid_schema_name
        OR feature_not_supported OR program_limit_exceeded OR plpgsql_error OR internal_error
    THEN
        RETURN sqlstate;
END;
$_cast_sqlstate$;

COMMENT ON FUNCTION pgimport._cast_sqlstate(text, text) IS
'internal: the SQLSTATE with which casting a text to a type fails, or null when it succeeds.';
