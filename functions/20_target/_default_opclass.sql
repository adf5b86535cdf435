-- The operator class by which a B-tree compares values of a type when none is named, as CREATE
-- INDEX chooses it: that of the type itself, or of one it can be taken for without conversion.
-- Null where values cannot be put in order.
-- Called by _key_columns() and _check_key(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._default_opclass(
    p_type oid
)
RETURNS oid
LANGUAGE plpgsql
STABLE
STRICT
SET search_path = pg_catalog, pg_temp
AS $_default_opclass$
BEGIN
    RETURN (
        WITH RECURSIVE under AS (
            SELECT y.oid, y.typtype, y.typbasetype, y.typcategory
            FROM pg_type AS y
            WHERE y.oid = p_type
            UNION ALL
            SELECT y.oid, y.typtype, y.typbasetype, y.typcategory
            FROM under AS u
            INNER JOIN pg_type AS y ON y.oid = u.typbasetype AND u.typtype = 'd'
        )

        SELECT oc.oid
        FROM under AS u
        INNER JOIN pg_opclass AS oc ON oc.opcdefault
        INNER JOIN pg_am AS m ON m.oid = oc.opcmethod AND m.amname = 'btree'
        INNER JOIN pg_type AS i ON i.oid = oc.opcintype
        WHERE u.typtype <> 'd'
            AND (
                oc.opcintype = u.oid
                OR (oc.opcintype = 'anyarray'::regtype AND u.typcategory = 'A')
                OR (oc.opcintype = 'anyenum'::regtype AND u.typtype = 'e')
                OR (oc.opcintype = 'anyrange'::regtype AND u.typtype = 'r')
                OR (oc.opcintype = 'anymultirange'::regtype AND u.typtype = 'm')
                OR (oc.opcintype = 'record'::regtype AND u.typtype = 'c')
                OR EXISTS (
                    SELECT FROM pg_cast AS c
                    WHERE c.castsource = u.oid
                        AND c.casttarget = oc.opcintype
                        AND c.castmethod = 'b'
                        AND c.castcontext = 'i'
                )
            )
        ORDER BY oc.opcintype = u.oid DESC, i.typtype <> 'p' DESC, i.typispreferred DESC, oc.oid
        LIMIT 1
    );
END
$_default_opclass$;

COMMENT ON FUNCTION pgimport._default_opclass(oid) IS
'internal: the operator class by which a B-tree compares values of a type.';
