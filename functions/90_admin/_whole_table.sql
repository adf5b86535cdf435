-- A table and all its partitions, as _table_tree() tells, but without a lock on any of them: for
-- those who look and must not wait.
-- Called by doctor() and _table_holders().
CREATE OR REPLACE FUNCTION pgimport._whole_table(
    p_relation regclass
)
RETURNS SETOF regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_whole_table$
BEGIN
    RETURN QUERY
    WITH RECURSIVE tree AS (
        SELECT p_relation::oid AS part
        UNION
        SELECT i.inhrelid
        FROM tree AS t
        INNER JOIN pg_inherits AS i ON i.inhparent = t.part
        INNER JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
    )

    SELECT t.part::regclass FROM tree AS t;
END;
$_whole_table$;

COMMENT ON FUNCTION pgimport._whole_table(regclass) IS
'internal: a table and all its partitions, without a lock.';
