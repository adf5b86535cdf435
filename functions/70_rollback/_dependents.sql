-- Rows that refer, by a foreign key, to rows a rollback would delete: one element a key that has
-- such rows, with their number, what ON DELETE would do to them, and which jobs inserted them; see
-- _cascade_plan. Also the referencing columns without an index: without one, each deleted row
-- costs a scan of that table. A row that the same rollback deletes is no dependent of it.
-- p_doomed: SELECT of the rows that would be deleted, by _doomed_sql().
-- Called by the rollback planner.
CREATE OR REPLACE FUNCTION pgimport._dependents(
    p_relation regclass,
    p_doomed text,
    OUT dependents jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_dependents$
BEGIN
    SELECT p.dependents, p.warnings INTO STRICT dependents, warnings
    FROM pgimport._cascade_plan(p_relation, p_doomed, 'none') AS p;
END;
$_dependents$;

COMMENT ON FUNCTION pgimport._dependents(regclass, text) IS
'internal: rows that refer to the rows a rollback would delete, by foreign key.';
