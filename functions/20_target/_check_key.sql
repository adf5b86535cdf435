-- Refuses a key that cannot tell rows apart: unknown or repeated columns, columns that the
-- database computes, and a unique index that compares otherwise than the type does by default.
-- Called by register_target(). Raises PI001, PI003, PI206, PI207, PI209.
CREATE OR REPLACE FUNCTION pgimport._check_key(
    p_relation regclass,
    p_key text[],
    p_soft_delete text
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_key$
DECLARE
    v_column text;
    v_type text;
    v_index regclass := pgimport._key_index(p_relation, p_key, p_soft_delete);
BEGIN
    IF cardinality(p_key) IS NULL OR cardinality(p_key) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no key given: "p_key" is null or empty',
            DETAIL = 'The key says which rows are the same; a unique index must guard it.',
            HINT = 'Give the columns of a unique index, for example ''{code,merchant_id}''.';
    END IF;
    FOREACH v_column IN ARRAY p_key LOOP
        PERFORM pgimport._require_column(p_relation, coalesce(v_column, ''));
        IF cardinality(array_positions(p_key, v_column)) > 1 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('column "%s" stands twice in the key', v_column),
                HINT = 'Name each column of the key once.';
        END IF;
    END LOOP;

    SELECT a.attname
    INTO v_column
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation
        AND a.attname = ANY (p_key)
        AND (a.attgenerated <> '' OR a.attidentity = 'a')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('column "%s" cannot be part of the key', v_column),
            DETAIL = 'The database computes it (GENERATED ALWAYS); no file can hold its value.',
            HINT = 'Choose a key of columns that are in the files.';
    END IF;

    -- only a key without an index can have such a column
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
    INTO v_column, v_type
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation
        AND a.attname = ANY (p_key)
        AND NOT a.attisdropped
        AND v_index IS NULL
        AND pgimport._default_opclass(a.atttypid) IS NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('column "%s" cannot be part of the key', v_column),
            DETAIL = format('Values of type %s cannot be put in order.', v_type),
            HINT = 'Choose a key of columns that a unique index can be made on.';
    END IF;

    SELECT a.attname
    INTO v_column
    FROM pg_index AS i
    CROSS JOIN LATERAL
        unnest(i.indkey::smallint[], i.indclass::oid[]) AS k (attnum, opclass)
    INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    INNER JOIN pg_opclass AS oc ON oc.oid = k.opclass
    WHERE i.indexrelid = v_index
        AND pgimport._opclass_equality(oc.oid) IS DISTINCT FROM pgimport._opclass_equality((
            -- the type's own default, or else that of the type the index compares as
            SELECT d.oid
            FROM pg_opclass AS d
            WHERE d.opcmethod = oc.opcmethod
                AND d.opcdefault
                AND d.opcintype IN (a.atttypid, oc.opcintype)
            ORDER BY d.opcintype = a.atttypid DESC
            LIMIT 1
        ))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI209',
            MESSAGE = format(
                'the unique index of the key compares column "%s" in a way of its own', v_column
            ),
            DETAIL = format(
                'Index "%s" has an operator class whose equality is not that of the type.',
                v_index
            ),
            HINT = 'Create a unique index with the type''s default operator class.';
    END IF;
END
$_check_key$;

COMMENT ON FUNCTION pgimport._check_key(regclass, text[], text) IS
'internal: refuses a key whose columns or unique index cannot tell rows apart.';

-- The operator that an operator class of a B-tree takes for equality.
-- Called by _check_key().
CREATE OR REPLACE FUNCTION pgimport._opclass_equality(
    p_opclass oid
)
RETURNS oid
LANGUAGE plpgsql
STABLE
STRICT
SET search_path = pg_catalog, pg_temp
AS $_opclass_equality$
BEGIN
    RETURN (
        SELECT ao.amopopr
        FROM pg_opclass AS oc
        INNER JOIN pg_amop AS ao
            ON ao.amopfamily = oc.opcfamily
                AND ao.amoplefttype = oc.opcintype
                AND ao.amoprighttype = oc.opcintype
                AND ao.amopstrategy = 3
        WHERE oc.oid = p_opclass
    );
END
$_opclass_equality$;

COMMENT ON FUNCTION pgimport._opclass_equality(oid) IS
'internal: the equality operator of an operator class.';
