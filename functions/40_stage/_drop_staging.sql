-- Frees the staged rows of one file, or of the whole job with its marks and its view: always by
-- DROP, never by a DELETE that leaves the space behind.
-- Called by cancel_job, clear_staging, stage_file (a file staged again) and finish_file (failed).
CREATE OR REPLACE FUNCTION pgimport._drop_staging(
    p_job_id uuid,
    p_file_no integer DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_drop_staging$
DECLARE
    v_table text;
BEGIN
    PERFORM pgimport._reset_check(p_job_id);

    FOR v_table IN
        SELECT f.staging_table FROM pgimport.file AS f
        WHERE f.job_id = p_job_id AND (p_file_no IS NULL OR f.file_no = p_file_no)
        ORDER BY f.file_no
    LOOP
        PERFORM pgimport._drop_staged(v_table);
    END LOOP;

    IF p_file_no IS NULL THEN
        PERFORM pgimport._fix_drop(p_job_id);
        PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id));
    END IF;
END;
$_drop_staging$;

COMMENT ON FUNCTION pgimport._drop_staging(uuid, integer) IS
'internal: drops the staging tables of a job, or of one of its files.';

-- Drops a table, view or counter of schema pgimport_staging if it is there, without the notice that
-- DROP … IF EXISTS gives. Called wherever staging is freed.
CREATE OR REPLACE FUNCTION pgimport._drop_staged(
    p_name text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_drop_staged$
DECLARE
    v_kind "char";
BEGIN
    SELECT c.relkind INTO v_kind
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pgimport_staging' AND c.relname = p_name;

    IF v_kind = 'v' THEN
        EXECUTE format('DROP VIEW pgimport_staging.%I', p_name);
    ELSIF v_kind = 'S' THEN
        EXECUTE format('DROP SEQUENCE pgimport_staging.%I', p_name);
    ELSIF v_kind IS NOT NULL THEN
        EXECUTE format('DROP TABLE pgimport_staging.%I', p_name);
    END IF;
END;
$_drop_staged$;

COMMENT ON FUNCTION pgimport._drop_staged(text) IS
'internal: drops a table, view or counter of schema pgimport_staging if it is there.';
