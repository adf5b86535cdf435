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
        EXECUTE format('DROP TABLE IF EXISTS pgimport_staging.%I', v_table);
    END LOOP;

    IF p_file_no IS NULL THEN
        EXECUTE format(
            'DROP TABLE IF EXISTS pgimport_staging.%I', pgimport._staging_name(p_job_id)
        );
    END IF;
END;
$_drop_staging$;

COMMENT ON FUNCTION pgimport._drop_staging(uuid, integer) IS
'internal: drops the staging tables of a job, or of one of its files.';
