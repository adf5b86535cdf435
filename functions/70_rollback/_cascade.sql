-- Rows that refer to rows a rollback would delete, directly or through others, as mode cascade
-- would delete them: elements and warnings as those of _dependents, of any depth. Rows that the
-- database changes itself (SET NULL, SET DEFAULT) are listed, but nothing beyond them. Each row is
-- counted once. cascaded: how many would be deleted with those of p_doomed.
-- Called by the rollback planner.
CREATE OR REPLACE FUNCTION pgimport._cascade(
    p_relation regclass,
    p_doomed text,
    OUT dependents jsonb,
    OUT warnings jsonb,
    OUT cascaded bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_cascade$
BEGIN
    SELECT p.dependents, p.warnings, p.cascaded INTO STRICT dependents, warnings, cascaded
    FROM pgimport._cascade_plan(p_relation, p_doomed, 'deleted') AS p;
END;
$_cascade$;

COMMENT ON FUNCTION pgimport._cascade(regclass, text) IS
'internal: rows of any depth that mode cascade of a rollback would delete, by foreign key.';
