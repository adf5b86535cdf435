-- Rows of a table as the planner estimates them; from its size where it was never analysed, from
-- its partitions where it has some. Called where a plan depends on the size of the target.
CREATE OR REPLACE FUNCTION pgimport._estimated_rows(
    p_relation regclass
)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_estimated_rows$
DECLARE
    -- rows of about 80 bytes: a guess for tables without statistics
    c_rows_per_page CONSTANT integer := 100;
BEGIN
    RETURN (
        SELECT coalesce(sum(
            CASE
                WHEN c.reltuples > 0 THEN c.reltuples::numeric
                ELSE pg_relation_size(c.oid)::numeric
                    / current_setting('block_size')::integer * c_rows_per_page
            END
        ), 0)
        FROM pg_class AS c
        WHERE c.oid IN (SELECT pgimport._table_tree(p_relation)) AND c.relkind = 'r'
    );
END;
$_estimated_rows$;

COMMENT ON FUNCTION pgimport._estimated_rows(regclass) IS
'internal: estimated number of rows of a table or partitioned table.';
