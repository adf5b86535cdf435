-- Checks the values of a staged job, and, when its duplicates are marked, whether the target has
-- got duplicates since. Called by users, before insert_job if they like: that does it again.
-- Raises PI001, PI101, PI102, PI204, PI205, PI207, PI305, PI306.
CREATE OR REPLACE FUNCTION pgimport.validate_job(
    p_job_id uuid,
    p_search_path text DEFAULT current_setting('search_path')
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
AS $validate_job$
DECLARE
    v_warnings jsonb := pgimport._begin_check(p_job_id, 'validated');
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_new bigint := 0;
    v_keys jsonb;
BEGIN
    IF v_job.status = 'staging_lost' THEN
        RETURN pgimport._lost_envelope(v_job, pgimport._check_keys(v_job));
    END IF;

    IF v_job.validated_at IS NULL OR v_job.check_hash <> pgimport._check_hash(v_job) THEN
        v_job := pgimport._validate_values(v_job, p_search_path);
        PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_merged'));
    ELSIF v_job.mark_snapshot IS NOT NULL THEN
        v_new := pgimport._recheck_duplicates(v_job);
        v_job := pgimport._read_job(p_job_id);
    END IF;

    v_keys := pgimport._check_keys(v_job, v_new);
    RETURN pgimport._envelope(
        v_job,
        format('%s; %s clean%s',
            pgimport._count_of((v_keys ->> 'validation_errors')::bigint, 'issue'),
            pgimport._count_of(v_job.clean_rows, 'row'),
            CASE WHEN v_job.mark_snapshot IS NULL
                THEN ', duplicates not marked yet'
                ELSE format(', %s new in the target', pgimport._count_of(v_new, 'duplicate')) END),
        v_keys,
        v_warnings || pgimport._constraint_warnings(v_job)
    );
END;
$validate_job$;

COMMENT ON FUNCTION pgimport.validate_job(uuid, text) IS
'Checks all staged values and, once duplicates are marked, looks for those that came into the '
'target since. Keys: valid, total_rows, total_clean, validation_errors, '
'errors[{code, column, count, sample}], new_database_duplicates. '
'Example: select jsonb_pretty(pgimport.validate_job(:''job''))';
