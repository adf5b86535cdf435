-- The search_path for the one statement that runs a user's own code (triggers, defaults, checks):
-- the caller's, with pg_catalog before it and pg_temp behind it, so that neither a schema of the
-- path nor a temporary object can stand in for a type or operator of PostgreSQL's own.
CREATE OR REPLACE FUNCTION pgimport._caller_path(
    p_search_path text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN concat_ws(', ', 'pg_catalog', nullif(btrim(p_search_path), ''), 'pg_temp');

COMMENT ON FUNCTION pgimport._caller_path(text) IS
'internal: the caller''s search_path, made safe, for the statement that runs a user''s code.';
