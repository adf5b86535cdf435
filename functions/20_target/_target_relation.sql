-- The table of a target, found by its stored names and never through the search_path.
-- Called by everything that reads or writes the table. Raises PI205.
CREATE OR REPLACE FUNCTION pgimport._target_relation(
    p_target pgimport.target
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_target_relation$
DECLARE
    v_relation oid;
BEGIN
    SELECT c.oid
    INTO v_relation
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = p_target.schema_name
        AND c.relname = p_target.table_name
        AND c.relkind IN ('r', 'p');
    IF v_relation IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI205',
            MESSAGE = format(
                'table "%s.%s" of target "%s" does not exist any more',
                p_target.schema_name, p_target.table_name, p_target.name
            ),
            DETAIL = 'It was dropped or renamed since the target was registered.',
            HINT = format('select pgimport.drop_target(%L);', p_target.name);
    END IF;
    RETURN v_relation::regclass;
END
$_target_relation$;

COMMENT ON FUNCTION pgimport._target_relation(pgimport.target) IS
'internal: the table of a target, resolved by its stored schema and table name.';
