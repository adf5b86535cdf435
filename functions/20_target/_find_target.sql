-- The registered target of that name, or else the only one on the table "schema.table".
-- Called by every function with a p_target argument. Raises PI001, PI201.
CREATE OR REPLACE FUNCTION pgimport._find_target(
    p_target text
)
RETURNS pgimport.target
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_find_target$
DECLARE
    r_target pgimport.target;
    v_names text[];
BEGIN
    IF p_target IS NULL OR p_target = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'the target''s name is required',
            HINT = 'select * from pgimport.list_targets();';
    END IF;

    SELECT t.*
    INTO r_target
    FROM pgimport.target AS t
    WHERE t.name = p_target
        AND t.dropped_at IS NULL;
    IF FOUND THEN
        RETURN r_target;
    END IF;

    SELECT array_agg(t.name ORDER BY t.name)
    INTO v_names
    FROM pgimport.target AS t
    WHERE p_target IN (
            format('%s.%s', t.schema_name, t.table_name),
            format('%I.%I', t.schema_name, t.table_name)
        )
        AND t.dropped_at IS NULL;
    IF cardinality(v_names) = 1 THEN
        SELECT t.*
        INTO r_target
        FROM pgimport.target AS t
        WHERE t.name = v_names[1]
            AND t.dropped_at IS NULL;
        RETURN r_target;
    END IF;

    RAISE EXCEPTION USING
        ERRCODE = 'PI201',
        MESSAGE = format('target "%s" is not registered', p_target),
        DETAIL = CASE
            WHEN v_names IS NULL THEN 'There is no target of this name, nor one on this table.'
            ELSE format('The table has several targets: %s.', array_to_string(v_names, ', '))
        END,
        HINT = 'select * from pgimport.list_targets();';
END
$_find_target$;

COMMENT ON FUNCTION pgimport._find_target(text) IS
'internal: the registered target of that name or, if it is the only one, on that "schema.table".';
