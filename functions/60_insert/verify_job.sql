-- Compares what a job says with what is in the table: rows by job id, rows written by nobody else
-- since, and the checksums of what was staged, what was inserted and what is there now.
-- Called by users, at any time after the insert; changes nothing but the stored checksum of the
-- staged rows. Raises PI001, PI101, PI205.
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
        'SELECT count(*), count(*) FILTER (WHERE (%s) IS NOT TRUE), %s FROM %s AS t '
        'WHERE t.import_job_id = $1',
        pgimport._untouched_sql(v_job, v_relation),
        coalesce(pgimport._checksum_sql((
            SELECT string_agg(format('t.%I', c.name), ', ' ORDER BY c.place)
            FROM unnest(v_job.written_columns) WITH ORDINALITY AS c (name, place)
        )), 'NULL::text'),
        v_relation
    ) INTO v_actual, v_modified, v_checksum USING p_job_id;

    IF v_job.status = 'completed' AND v_job.checksum_staged IS NULL THEN
        v_job := pgimport._store_staged_checksum(v_job);
    END IF;

    v_verified := v_actual = v_expected;
    IF v_job.status = 'completed' THEN
        v_verified := v_verified AND v_modified = 0 AND v_checksum = v_job.checksum_inserted;
        IF v_job.checksum_staged IS NULL THEN
            v_warnings := v_warnings
                || '["the staged rows are gone: their checksum is not known"]'::jsonb;
        ELSIF v_job.checksum_staged <> v_job.checksum_inserted THEN
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

-- Computes the checksum of a completed job's staged rows, while they are still there, and stores
-- it. Called by verify_job.
CREATE OR REPLACE FUNCTION pgimport._store_staged_checksum(
    p_job pgimport.job
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_store_staged_checksum$
DECLARE
    v_job pgimport.job := p_job;
    v_checksum text;
    v_staged bigint;
BEGIN
    IF to_regclass(format('pgimport_staging.%I', pgimport._staging_name(p_job.job_id))) IS NULL
        OR to_regclass(format(
            'pgimport_staging.%I', pgimport._staging_name(p_job.job_id, '_mark')
        )) IS NULL
        OR pgimport._check_hash(p_job) <> p_job.check_hash
        OR NOT has_table_privilege('pgimport.job', 'UPDATE')
    THEN
        RETURN v_job;
    END IF;

    PERFORM pgimport._refuse_foreign_staging(p_job);
    EXECUTE format(
        'SELECT count(*), %s FROM pgimport_staging.%I AS s '
        'WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
        'WHERE m.file_no = s.file_no AND m.row_no = s.row_no)',
        pgimport._checksum_sql((
            SELECT string_agg(c.typed_sql, ', ' ORDER BY c.column_no)
            FROM pgimport._written_columns(p_job) AS c
        )),
        pgimport._staging_name(p_job.job_id),
        pgimport._staging_name(p_job.job_id, '_mark')
    ) INTO v_staged, v_checksum;

    -- after a crash of the server the staged rows are gone, and prove nothing
    IF v_staged = p_job.rows_inserted THEN
        UPDATE pgimport.job SET checksum_staged = v_checksum
        WHERE job_id = p_job.job_id RETURNING * INTO v_job;
    END IF;

    RETURN v_job;
END;
$_store_staged_checksum$;

COMMENT ON FUNCTION pgimport._store_staged_checksum(pgimport.job) IS
'internal: stores the checksum of the staged rows that a completed job inserted.';
