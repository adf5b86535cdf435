-- Refuses a wrong rule "lookup", and a table that the caller may not read.
-- Called by _check_rules(). Raises PI002, PI003, PI211; 42501 as PostgreSQL does.
CREATE OR REPLACE FUNCTION pgimport._check_lookup(
    p_column text,
    p_lookup jsonb
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_check_lookup$
-- quoted where it was made: @plpgsql_check_options: security_warnings = false
BEGIN
    PERFORM pgimport._require_keys(
        p_lookup, '{table,match,value,ignore_case}', 'the rule "lookup"'
    );
    IF NOT p_lookup @? '$ ? (@.table.type() == "string" && @.match.type() == "string" '
            '&& @.value.type() == "string")'
        OR coalesce(jsonb_typeof(p_lookup -> 'ignore_case'), 'boolean') <> 'boolean'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'rule "lookup" must name a table and two of its columns',
            DETAIL = format('It was: %s', left(p_lookup::text, 200)),
            HINT = 'For example: {"lookup": {"table": "crm.client", "match": "email", '
                '"value": "id", "ignore_case": true}}';
    END IF;
    EXECUTE pgimport._lookup_sql(p_column, p_lookup) || ' LIMIT 0';
END
$_check_lookup$;

COMMENT ON FUNCTION pgimport._check_lookup(text, jsonb) IS
'internal: refuses a wrong rule "lookup", and a table that the caller may not read.';

-- The table that a rule "lookup" {"table", "match", "value", "ignore_case"} names, with the two
-- columns it reads: found by schema and name at every use.
-- A view is not taken: it would run its owner's functions with the rights of whoever imports.
-- Called by _lookup_sql. Raises PI211.
CREATE OR REPLACE FUNCTION pgimport._lookup_relation(
    p_column text,
    p_lookup jsonb
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_lookup_relation$
DECLARE
    v_relation regclass;
    v_kind "char";
    v_missing text;
    v_fault text;
BEGIN
    BEGIN
        IF cardinality(parse_ident(p_lookup ->> 'table')) = 2 THEN
            v_relation := to_regclass(p_lookup ->> 'table');
        END IF;
    EXCEPTION
        -- not a name at all
        WHEN invalid_parameter_value OR invalid_name OR syntax_error THEN
            v_relation := NULL;
    END;
    SELECT c.relkind INTO v_kind FROM pg_class AS c WHERE c.oid = v_relation;
    SELECT string_agg(format('"%s"', n.name), ' and ') INTO v_missing
    FROM unnest(ARRAY[p_lookup ->> 'match', p_lookup ->> 'value']) AS n (name)
    WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = v_relation AND a.attname = n.name
                AND a.attnum > 0 AND NOT a.attisdropped
        );
    v_fault := CASE
        WHEN v_relation IS NULL THEN format('there is no table %s', p_lookup ->> 'table')
        WHEN v_kind NOT IN ('r', 'p', 'm', 'f') THEN format('%s is not a table', v_relation)
        WHEN v_missing IS NOT NULL THEN format('%s has no column %s', v_relation, v_missing)
    END;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI211',
            MESSAGE = format('the values of column "%s" cannot be looked up: %s', p_column, v_fault),
            DETAIL = format('the rule is %s', left(p_lookup::text, 200)),
            HINT = 'name the table with its schema, for example {"lookup": '
                '{"table": "crm.client", "match": "email", "value": "id"}}';
    END IF;
    RETURN v_relation;
END
$_lookup_relation$;

COMMENT ON FUNCTION pgimport._lookup_relation(text, jsonb) IS
'internal: the table in which the values of a column are looked up.';

-- SQL of what a rule "lookup" finds: key, by which a text is compared, and value. Values are
-- written by their type's own output, never by a cast, which may be code of somebody else.
-- Called by _check_lookup and _store_lookups. Raises PI211.
CREATE OR REPLACE FUNCTION pgimport._lookup_sql(
    p_column text,
    p_lookup jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_lookup_sql$
BEGIN
    RETURN format(
        'SELECT %s AS key, CASE WHEN t.%I IS NOT NULL THEN pg_catalog.concat(t.%2$I) END AS value '
        'FROM %s AS t WHERE t.%I IS NOT NULL',
        pgimport._lookup_key_sql(
            format('pg_catalog.concat(t.%I)', p_lookup ->> 'match'),
            pgimport._ignores_case(p_column, p_lookup)
        ),
        p_lookup ->> 'value',
        pgimport._lookup_relation(p_column, p_lookup),
        p_lookup ->> 'match'
    );
END
$_lookup_sql$;

COMMENT ON FUNCTION pgimport._lookup_sql(text, jsonb) IS
'internal: SQL of the texts and values among which a column is looked up.';

-- SQL of that by which looked-up texts are compared. Called by _lookup_sql and _store_lookups.
CREATE OR REPLACE FUNCTION pgimport._lookup_key_sql(
    p_text_sql text,
    p_ignore_case boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN format(
    CASE WHEN p_ignore_case THEN 'pg_catalog.lower(%s)' ELSE '%s' END,
    format('pg_catalog.btrim(%s, %L)', p_text_sql, E' \t\r\n')
);

COMMENT ON FUNCTION pgimport._lookup_key_sql(text, boolean) IS
'internal: SQL of that by which looked-up texts are compared.';

-- Whether capitals do not matter in a lookup: the rule says so, or the type of the column that is
-- compared (citext). Called by _lookup_sql and _store_lookups. Raises PI211.
CREATE OR REPLACE FUNCTION pgimport._ignores_case(
    p_column text,
    p_lookup jsonb
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_ignores_case$
BEGIN
    RETURN coalesce((p_lookup ->> 'ignore_case')::boolean, EXISTS (
        SELECT FROM pg_attribute AS a
        INNER JOIN pg_type AS y ON y.oid = a.atttypid
        LEFT JOIN pg_type AS b ON b.oid = y.typbasetype
        WHERE a.attrelid = pgimport._lookup_relation(p_column, p_lookup)
            AND a.attname = p_lookup ->> 'match'
            AND 'citext' IN (y.typname, b.typname)
    ));
END
$_ignores_case$;

COMMENT ON FUNCTION pgimport._ignores_case(text, jsonb) IS
'internal: whether capitals do not matter in a lookup.';
