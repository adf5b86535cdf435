-- Pattern that a text surely satisfies when the cast to a built-in type cannot fail: on servers
-- without pg_input_is_valid (before 16) only the others are cast one by one.
-- Called by _invalid_sql. Null where there is no such pattern.
CREATE OR REPLACE FUNCTION pgimport._surely_valid_pattern(
    p_type_name text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_type_name LIKE '%[]' THEN NULL
    WHEN p_type_name = 'smallint' THEN '^[+-]?[0-9]{1,4}$'
    WHEN p_type_name = 'integer' THEN '^[+-]?[0-9]{1,9}$'
    WHEN p_type_name = 'bigint' THEN '^[+-]?[0-9]{1,18}$'
    WHEN p_type_name IN ('numeric', 'double precision', 'real')
    THEN '^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$'
    -- numeric(precision,scale), where a repetition in a pattern is at most 255
    WHEN p_type_name ~ '^numeric\([0-9]+,[1-9][0-9]*\)$'
        AND split_part(translate(p_type_name, 'numeric()', ''), ',', 1)::integer
        > split_part(translate(p_type_name, 'numeric()', ''), ',', 2)::integer
    THEN format(
            '^[+-]?[0-9]{1,%s}(\.[0-9]{1,%s})?$',
            least(
                255,
                split_part(translate(p_type_name, 'numeric()', ''), ',', 1)::integer
                - split_part(translate(p_type_name, 'numeric()', ''), ',', 2)::integer
            ),
            least(255, split_part(translate(p_type_name, 'numeric()', ''), ',', 2)::integer)
        )
    WHEN p_type_name = 'uuid'
    THEN '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    WHEN p_type_name = 'boolean' THEN '^([01tfyn]|true|false|yes|no)$'
    WHEN p_type_name = 'date' THEN
        '^[12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])'
        '|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$'
    WHEN p_type_name LIKE 'timestamp%' THEN
        '^[12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])'
        '|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)'
        '([ T]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?(Z|[+-][01][0-9](:?00)?)?)?$'
    WHEN p_type_name LIKE 'character%' OR p_type_name = 'text' THEN ''
END;

COMMENT ON FUNCTION pgimport._surely_valid_pattern(text) IS
'internal: a pattern of texts that a built-in type surely accepts, null where there is none.';

-- Whether a type is PostgreSQL's own and stands on no other: its input function is known to report
-- bad texts without raising (from 16 on). Types of users may raise whatever they like.
-- Called by _invalid_sql and _find_issues.
CREATE OR REPLACE FUNCTION pgimport._is_builtin_type(
    p_type oid
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_builtin_type$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_type AS t
        WHERE t.oid = p_type
            AND t.oid < 16384::oid
            AND t.typtype IN ('b', 'r', 'm')
            AND t.typname NOT LIKE 'reg%'
    );
END;
$_is_builtin_type$;

COMMENT ON FUNCTION pgimport._is_builtin_type(oid) IS
'internal: whether a type is one of PostgreSQL''s own.';

-- SQL condition that is true where a text (an expression) is not a value of a type.
-- Called by _value_code_sql.
CREATE OR REPLACE FUNCTION pgimport._invalid_sql(
    p_text_sql text,
    p_type_name text,
    p_type oid
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_invalid_sql$
DECLARE
    v_pattern text := pgimport._surely_valid_pattern(p_type_name);
BEGIN
    IF p_type_name = 'text' OR v_pattern = '' THEN
        RETURN 'false';
    ELSIF current_setting('server_version_num')::integer >= 160000
        AND pgimport._is_builtin_type(p_type)
    THEN
        RETURN format('NOT pg_catalog.pg_input_is_valid(%s, %L)', p_text_sql, p_type_name);
    END IF;

    RETURN CASE
        WHEN v_pattern IS NULL
            THEN format('pgimport._cast_sqlstate(%s, %L) IS NOT NULL', p_text_sql, p_type_name)
        ELSE format(
            'CASE WHEN %1$s ~ %3$L THEN false '
            'ELSE pgimport._cast_sqlstate(%1$s, %2$L) IS NOT NULL END',
            p_text_sql, p_type_name, v_pattern
        )
    END;
END;
$_invalid_sql$;

COMMENT ON FUNCTION pgimport._invalid_sql(text, text, oid) IS
'internal: SQL condition that is true where a text is not a value of a type.';
