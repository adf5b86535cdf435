-- SQL condition on row t that columns have certain values. Called by _rollback_filter.
-- Raises PI206, PI508.
CREATE OR REPLACE FUNCTION pgimport._filter_sql(
    p_relation regclass,
    p_filter jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_filter_sql$
DECLARE
    v_conditions text[] := '{}'::text[];
    v_wrong text;
    r_column record;
BEGIN
    FOR r_column IN
        SELECT
            f.key AS name,
            format_type(a.atttypid, a.atttypmod) AS type_name,
            f.value = 'null' AS is_null,
            -- the type's own: under a pinned path a citext would be compared as a text
            coalesce((
                SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                FROM pg_type AS y
                INNER JOIN pg_opclass AS c
                    ON c.opcintype = CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END
                        AND c.opcdefault
                INNER JOIN pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'btree'
                INNER JOIN pg_amop AS b
                    ON b.amopfamily = c.opcfamily
                        AND b.amoplefttype = c.opcintype
                        AND b.amoprighttype = c.opcintype
                        AND b.amopstrategy = 3
                INNER JOIN pg_operator AS o ON o.oid = b.amopopr
                INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
                WHERE y.oid = a.atttypid
            ), '=') AS equal,
            ARRAY(
                SELECT v.value FROM jsonb_array_elements_text(
                    CASE jsonb_typeof(f.value) WHEN 'array' THEN f.value
                        ELSE jsonb_build_array(f.value) END
                ) AS v (value)
            ) AS texts
        FROM jsonb_each(p_filter) AS f
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = f.key
                AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY f.key
    LOOP
        PERFORM pgimport._require_column(p_relation, r_column.name);
        SELECT t.value INTO v_wrong FROM unnest(r_column.texts) AS t (value)
        WHERE pgimport._cast_sqlstate(t.value, r_column.type_name) IS NOT NULL
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI508',
                MESSAGE = format('"%s" in the filter of column "%s" is not a valid %s',
                    left(v_wrong, 200), r_column.name, r_column.type_name),
                HINT = format('{"filter": {%s: "value"}}', to_jsonb(r_column.name));
        END IF;
        v_conditions := v_conditions || CASE
            WHEN r_column.is_null THEN format('t.%I IS NULL', r_column.name)
            ELSE (
                SELECT coalesce('(' || string_agg(
                    format('t.%I %s %L::%s', r_column.name, r_column.equal, t.value,
                        r_column.type_name), ' OR '
                ) || ')', 'false')
                FROM unnest(r_column.texts) AS t (value)
            )
        END;
    END LOOP;
    RETURN coalesce(nullif(array_to_string(v_conditions, ' AND '), ''), 'true');
END;
$_filter_sql$;

COMMENT ON FUNCTION pgimport._filter_sql(regclass, jsonb) IS
'internal: SQL condition that columns of a row have certain values.';
