-- Says which version of pgimport's functions this database has.
-- Called by users, by the client's check of what it talks to and by the command `version`.
CREATE OR REPLACE FUNCTION pgimport.version()
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN '0.1.0'::text;

COMMENT ON FUNCTION pgimport.version() IS
'The version of pgimport installed in this database. Example: select pgimport.version();';
