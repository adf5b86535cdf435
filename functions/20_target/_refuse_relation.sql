-- Refuses what cannot be a target: everything but ordinary and partitioned tables that last, and
-- tables that belong to the server or to pgimport.
-- Called by register_target(). Raises PI001, PI203.
CREATE OR REPLACE FUNCTION pgimport._refuse_relation(
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_refuse_relation$
DECLARE
    r_relation record;
    v_kind text;
BEGIN
    IF p_relation IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no table given: "p_relation" is null',
            HINT = 'select pgimport.register_target(''codes'', ''codes'', ''{code}'', ''{}'');';
    END IF;

    SELECT c.relkind, c.relpersistence, c.relispartition, n.nspname
    INTO r_relation
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_relation;

    v_kind := CASE
        WHEN NOT FOUND THEN 'no relation at all'
        WHEN r_relation.relpersistence = 't' THEN 'a temporary table'
        WHEN r_relation.nspname IN ('pg_catalog', 'information_schema')
            OR r_relation.nspname LIKE 'pg\_%'
            THEN 'a catalog of the server'
        WHEN r_relation.nspname IN ('pgimport', 'pgimport_staging') THEN 'a table of pgimport'
        WHEN r_relation.relkind = 'v' THEN 'a view'
        WHEN r_relation.relkind = 'm' THEN 'a materialized view'
        WHEN r_relation.relkind = 'f' THEN 'a foreign table'
        WHEN r_relation.relkind NOT IN ('r', 'p') THEN 'no table'
        WHEN r_relation.relispartition THEN 'a single partition'
    END;
    IF v_kind IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI203',
            MESSAGE = format('"%s" cannot be a target: it is %s', p_relation, v_kind),
            DETAIL = 'A target is an ordinary or a partitioned table.',
            HINT = CASE v_kind
                WHEN 'a view' THEN 'Register the table under the view.'
                WHEN 'a single partition' THEN format(
                    'Register its partitioned table: select pgimport.register_target(%L, …);',
                    pg_partition_root(p_relation)
                )
                ELSE 'select pgimport.register_target(''schema.table'', ''name'', ''{key}'', '
                    '''{}'');'
            END;
    END IF;
END
$_refuse_relation$;

COMMENT ON FUNCTION pgimport._refuse_relation(regclass) IS
'internal: raises PI203 for relations that cannot be a target.';
