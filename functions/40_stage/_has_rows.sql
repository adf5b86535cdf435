-- Tells whether a staging table exists and holds a row: after a crash of the server an UNLOGGED
-- table is there, and empty. Called by _seal_staging and verify_install.
CREATE OR REPLACE FUNCTION pgimport._has_rows(
    p_staging_table text
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_has_rows$
DECLARE
    v_has boolean;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.relname = p_staging_table
            AND c.relnamespace = (
                SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = 'pgimport_staging'
            )
    ) THEN
        RETURN false;
    END IF;

    EXECUTE format('SELECT EXISTS (SELECT FROM pgimport_staging.%I)', p_staging_table)
    INTO v_has;
    RETURN v_has;
END;
$_has_rows$;

COMMENT ON FUNCTION pgimport._has_rows(text) IS
'internal: whether a staging table exists and is not empty.';
