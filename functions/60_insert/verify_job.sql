-- Compares what a job says with what is in the table: rows by job id, rows written by nobody else
-- since, and the checksums of what was staged, what was inserted and what is there now.
-- Called by users, at any time after the insert; changes nothing. Raises PI001, PI101, PI205.
CREATE OR REPLACE FUNCTION pgimport.verify_job(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
SET enable_seqscan = on
SET jit = off
AS $verify_job$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_target pgimport.target;
    v_relation regclass;
    v_expected bigint;
    v_actual bigint;
    v_modified bigint;
    v_checksum text;
    v_verified boolean;
    v_warnings jsonb := '[]'::jsonb;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = v_job.target_id;
    v_relation := pgimport._target_relation(v_target);
    PERFORM set_config('timezone', v_job.time_zone, true);
    v_expected := CASE v_job.status
        WHEN 'completed' THEN v_job.rows_inserted
        WHEN 'rolled_back' THEN v_job.rows_kept
        ELSE 0
    END;

    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE (%s) IS NOT TRUE), %s FROM %s AS t WHERE %s',
        pgimport._untouched_sql(v_job, v_relation),
        coalesce(
            pgimport._target_checksum_sql(v_relation, v_job.written_columns), 'NULL::text'
        ),
        v_relation,
        pgimport._plan_job_rows(v_job.rows_inserted, v_relation)
    ) INTO v_actual, v_modified, v_checksum USING p_job_id;

    v_verified := v_actual = v_expected;
    IF v_job.status = 'completed' THEN
        v_verified := v_verified AND v_modified = 0
            AND v_checksum IS NOT DISTINCT FROM v_job.checksum_inserted;
        IF v_job.checksum_staged <> v_job.checksum_inserted THEN
            v_warnings := v_warnings || '["the table changed values on their way in, by triggers '
                'or defaults: the rows are as inserted, not as staged"]'::jsonb;
        END IF;
    END IF;

    RETURN pgimport._envelope(
        v_job,
        CASE WHEN v_verified
            THEN format('verified: %s, as expected', pgimport._count_of(v_actual, 'row'))
            ELSE format('not verified: %s expected, %s found, %s modified since',
                pgimport._count_of(v_expected, 'row'), v_actual, v_modified)
        END,
        jsonb_build_object(
            'verified', v_verified,
            'expected_count', v_expected,
            'actual_count', v_actual,
            'modified', v_modified,
            'checksum_staged', v_job.checksum_staged,
            'checksum_inserted', v_job.checksum_inserted,
            'checksum_target', v_checksum
        ),
        v_warnings
    );
END;
$verify_job$;

COMMENT ON FUNCTION pgimport.verify_job(uuid) IS
'Compares a job with the table: verified, expected_count, actual_count, modified, checksum_staged, '
'checksum_inserted, checksum_target. A checksum is the sum of 64-bit hashes of the rows. '
'Example: select jsonb_pretty(pgimport.verify_job(:''job''))';
