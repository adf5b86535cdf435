-- Gives rights as soon as they are recorded: by grant_usage(), and when the rows of
-- pgimport.role_grant come back from a dump. pg_dump leaves out the rights that an update script of
-- the extension gave, because CREATE EXTENSION is expected to give them.
-- Called by a trigger.
CREATE OR REPLACE FUNCTION pgimport._on_role_grant()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_on_role_grant$
BEGIN
    PERFORM pgimport._apply_grants();
    RETURN NULL;
END;
$_on_role_grant$;

COMMENT ON FUNCTION pgimport._on_role_grant() IS
'internal: trigger that gives the rights recorded in pgimport.role_grant.';

CREATE OR REPLACE TRIGGER on_role_grant
AFTER INSERT OR UPDATE ON pgimport.role_grant
FOR EACH STATEMENT EXECUTE FUNCTION pgimport._on_role_grant();
