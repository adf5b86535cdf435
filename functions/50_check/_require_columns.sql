-- Refuses a job whose files and constants leave a required column without any source: that is a
-- fault of the mapping, not of the rows. Called by the check. Raises PI207.
CREATE OR REPLACE FUNCTION pgimport._require_columns(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_columns$
DECLARE
    v_missing text;
BEGIN
    SELECT string_agg(format('"%s"', c.column_name), ', ' ORDER BY c.column_no) INTO v_missing
    FROM pgimport._written_columns(p_job) AS c
    WHERE c.required AND c.raw_sql = 'NULL::text' AND c.text_sql NOT LIKE 'COALESCE(%';

    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('no file of job "%s" has a field for required column %s',
                p_job.job_id, v_missing),
            DETAIL = 'a required column is NOT NULL without a default, or required by set_column()',
            HINT = format(
                'select pgimport.set_mapping(%L, ''{"header": "column"}'');', p_job.job_id
            );
    END IF;
END;
$_require_columns$;

COMMENT ON FUNCTION pgimport._require_columns(pgimport.job) IS
'internal: raises PI207 when a required column has neither a field nor a constant nor a default.';
