-- After everything else, at every install: comments, row-level security, rights.

COMMENT ON SCHEMA pgimport IS
'pgimport: bulk import with preview, proof and rollback. Start with pgimport.register_target().';
COMMENT ON SCHEMA pgimport_staging IS
'Staged rows of import jobs: made, filled and dropped by pgimport.';

DO $end$
DECLARE
    r_table record;
BEGIN
    PERFORM pgimport._apply_policies();
    PERFORM pgimport._keep_partitions();

    -- Nothing for PUBLIC: rights are given with pgimport.grant_usage() alone.
    REVOKE ALL ON SCHEMA pgimport, pgimport_staging FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA pgimport FROM PUBLIC;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA pgimport FROM PUBLIC;
    REVOKE ALL ON ALL ROUTINES IN SCHEMA pgimport FROM PUBLIC;
    PERFORM pgimport._apply_grants();

    -- pg_dump leaves the rows of an extension's tables out unless it is told to take them. The
    -- ledger stays out: it is written anew where the extension is made.
    IF current_setting('pgimport.install_mode', true) = 'extension' THEN
        FOR r_table IN
            SELECT c.oid
            FROM pg_class AS c
            WHERE
                c.relnamespace = 'pgimport'::regnamespace
                AND c.relkind IN ('r', 'p', 'S')
                AND c.relname <> 'schema_step'
            ORDER BY c.relname
        LOOP
            PERFORM pg_extension_config_dump(r_table.oid, '');
        END LOOP;
    END IF;
END;
$end$;
