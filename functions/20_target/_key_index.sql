-- The unique index that guards a key: valid, without predicate or expressions, over exactly these
-- columns. One in the key's own order is preferred, then one that is checked at once, then the
-- primary key. Null when there is none.
-- Called by register_target(), describe_target() and _key_columns(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._key_index(
    p_relation regclass,
    p_key text[]
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
STRICT
SET search_path = pg_catalog, pg_temp
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
        AND i.indpred IS NULL
        AND i.indexprs IS NULL
        AND i.indnkeyatts = cardinality(p_key)
        AND c.columns @> p_key
        AND c.columns <@ p_key
    ORDER BY c.columns = p_key DESC, i.indimmediate DESC, i.indisprimary DESC, i.indexrelid
    LIMIT 1;
    RETURN v_index;
END
$_key_index$;

COMMENT ON FUNCTION pgimport._key_index(regclass, text[]) IS
'internal: the unique index over exactly these columns, null when there is none.';
