-- The tables of pgimport that are partitioned by time: the one list of them. keeps names the
-- setting of pgimport.retention that says for how long.
-- Called by enable_retention, run_maintenance and what they call.
CREATE OR REPLACE FUNCTION pgimport._partitioned()
RETURNS TABLE (
    relation regclass,
    table_name text,
    column_name text,
    keeps text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_partitioned$
BEGIN
    RETURN QUERY
    SELECT c.oid::regclass, c.relname::text, a.attname::text, w.keeps
    FROM (
        VALUES ('issue', 'issues'), ('job_event', 'events'), ('row_history', 'row_history')
    ) AS w (name, keeps)
    INNER JOIN pg_class AS c ON c.relname = w.name AND c.relkind = 'p'
    INNER JOIN pg_partitioned_table AS p ON p.partrelid = c.oid
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    WHERE c.relnamespace = 'pgimport'::regnamespace
    ORDER BY c.relname;
END;
$_partitioned$;

COMMENT ON FUNCTION pgimport._partitioned() IS
'internal: the tables of pgimport that are partitioned by time, and the setting each is kept by.';
