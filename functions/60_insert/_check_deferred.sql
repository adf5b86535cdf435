-- Checks the deferred constraints of a table now, while a failure still belongs to the job, and
-- leaves them deferred as they were. Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._check_deferred(
    p_relation regclass
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

    IF v_names IS NOT NULL THEN
        EXECUTE format('SET CONSTRAINTS %s IMMEDIATE', v_names);
        EXECUTE format('SET CONSTRAINTS %s DEFERRED', v_names);
    END IF;
END;
$_check_deferred$;

COMMENT ON FUNCTION pgimport._check_deferred(regclass) IS
'internal: checks the deferred constraints of a target inside the insert.';
