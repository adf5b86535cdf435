-- Checks the deferred constraints of a table now, while a failure still belongs to the job, and
-- leaves them deferred as they were. Triggers of constraints are a user's own code: they run under
-- the caller's search_path. p_others: those of any other table, too. Called by _write_rows and
-- _rehearse_piece.
CREATE OR REPLACE FUNCTION pgimport._check_deferred(
    p_relation regclass,
    p_search_path text,
    p_others boolean DEFAULT false
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_check_deferred$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_names text;
BEGIN
    SELECT string_agg(format('%I.%I', n.nspname, k.conname), ', ') INTO v_names
    FROM pg_constraint AS k
    INNER JOIN pg_namespace AS n ON n.oid = k.connamespace
    WHERE k.conrelid = p_relation AND k.condeferred;

    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    IF p_others AND EXISTS (SELECT FROM pg_constraint AS k WHERE k.condeferrable) THEN
        SET CONSTRAINTS ALL IMMEDIATE;
    ELSIF v_names IS NOT NULL THEN
        EXECUTE format('SET CONSTRAINTS %s IMMEDIATE', v_names);
    END IF;
    IF v_names IS NOT NULL THEN
        EXECUTE format('SET CONSTRAINTS %s DEFERRED', v_names);
    END IF;
END;
$_check_deferred$;

COMMENT ON FUNCTION pgimport._check_deferred(regclass, text, boolean) IS
'internal: checks the deferred constraints of a target inside the insert.';
