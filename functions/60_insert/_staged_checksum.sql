-- The checksum over the clean rows of a job, from its table of values: what is to be in the target
-- if nothing there changes values on their way in. Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._staged_checksum(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_staged_checksum$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_checksum text;
BEGIN
    EXECUTE format(
        'SELECT %s FROM pgimport_staging.%I AS v WHERE %s',
        pgimport._checksum_sql((
            SELECT string_agg(
                pgimport._checksum_item(
                    CASE WHEN pgimport._is_steady_default(p_relation, c.column_no, true)
                        THEN c.write_sql ELSE c.value_sql END,
                    c.type_oid
                ), ', ' ORDER BY c.column_no
            )
            FROM pgimport._written_columns(p_job) AS c
        )),
        pgimport._staging_name(p_job.job_id, '_value'),
        pgimport._clean_sql(p_job)
    ) INTO v_checksum;

    RETURN v_checksum;
END;
$_staged_checksum$;

COMMENT ON FUNCTION pgimport._staged_checksum(pgimport.job, regclass) IS
'internal: the checksum over the clean rows of a job.';
