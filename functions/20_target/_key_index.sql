-- SQL condition on a row t of the target without which a unique index does not hold it: true for
-- an index without predicate; for one with exactly the predicate that says that the column for soft
-- delete calls the row living, that; null for any other.
-- Called by _key_index() and _key_columns(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._living_sql(
    p_index regclass,
    p_soft_delete text
)
RETURNS text
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_living_sql$
BEGIN
    RETURN (
        SELECT CASE
            WHEN i.indpred IS NULL THEN 'true'
            ELSE (
                SELECT format(p.living_sql, a.attname)
                FROM pg_attribute AS a
                INNER JOIN (VALUES
                    (false, '(%I IS NULL)', 't.%I IS NULL'),
                    (true, '(NOT %I)', 'NOT t.%I'),
                    (true, '(%I = false)', 't.%I = false'),
                    (true, '(%I IS FALSE)', 't.%I IS FALSE'),
                    (true, '(%I IS NOT TRUE)', 't.%I IS NOT TRUE')
                ) AS p (for_boolean, predicate, living_sql)
                    ON p.for_boolean = (a.atttypid = 'boolean'::regtype)
                WHERE a.attrelid = i.indrelid
                    AND a.attname = p_soft_delete
                    AND NOT a.attisdropped
                    AND pg_get_expr(i.indpred, i.indrelid) = format(p.predicate, a.attname)
            )
        END
        FROM pg_index AS i
        WHERE i.indexrelid = p_index
    );
END
$_living_sql$;

COMMENT ON FUNCTION pgimport._living_sql(regclass, text) IS
'internal: SQL condition of the rows that a unique index holds, null for an index of other rows.';

-- The unique index that guards a key: valid, without expressions, over exactly these columns and
-- all rows, or all that are not soft-deleted. One over all rows is preferred, then one in the key's
-- own order, then one that is checked at once, then the primary key. Null when there is none.
-- Called by register_target(), describe_target(), _key_columns() and _require_key(). Raises
-- nothing.
CREATE OR REPLACE FUNCTION pgimport._key_index(
    p_relation regclass,
    p_key text[],
    p_soft_delete text DEFAULT NULL
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_key_index$
DECLARE
    v_index regclass;
BEGIN
    SELECT i.indexrelid::regclass
    INTO v_index
    FROM pg_index AS i
    CROSS JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY k.ordinality) AS columns
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, ordinality)
        INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.ordinality <= i.indnkeyatts
    ) AS c
    WHERE i.indrelid = p_relation
        AND i.indisunique
        AND i.indisvalid
        AND i.indisready
        AND i.indislive
        AND i.indexprs IS NULL
        AND i.indnkeyatts = cardinality(p_key)
        AND c.columns @> p_key
        AND c.columns <@ p_key
        AND (
            i.indpred IS NULL
            OR pgimport._living_sql(i.indexrelid, p_soft_delete) IS NOT NULL
        )
    ORDER BY
        i.indpred IS NULL DESC, c.columns = p_key DESC, i.indimmediate DESC, i.indisprimary DESC,
        i.indexrelid
    LIMIT 1;
    RETURN v_index;
END
$_key_index$;

COMMENT ON FUNCTION pgimport._key_index(regclass, text[], text) IS
'internal: the unique index over exactly these columns, null when there is none.';
