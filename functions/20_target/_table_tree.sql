-- A table and, where it is partitioned, all its partitions. pg_partition_tree() alone is empty for
-- a table without partitions.
-- Called wherever triggers, sizes or statistics of a target are looked at.
CREATE OR REPLACE FUNCTION pgimport._table_tree(
    p_relation regclass
)
RETURNS SETOF regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_table_tree$
BEGIN
    RETURN NEXT p_relation;
    RETURN QUERY
    SELECT p.relid FROM pg_partition_tree(p_relation) AS p WHERE p.relid <> p_relation;
END;
$_table_tree$;

COMMENT ON FUNCTION pgimport._table_tree(regclass) IS
'internal: a table and all its partitions.';
