-- Checks a staged job: all values, then duplicates inside the files and against the target.
-- Called by users, as often as they like; the last check counts.
-- Raises PI001, PI101, PI102, PI204, PI205, PI207, PI305, PI306.
CREATE OR REPLACE FUNCTION pgimport.check_job(
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
AS $check_job$
DECLARE
    v_warnings jsonb := pgimport._begin_check(p_job_id, 'checked');
    v_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    IF v_job.status = 'staging_lost' THEN
        RETURN pgimport._lost_envelope(
            v_job, pgimport._check_keys(v_job) || pgimport._refusal(v_job)
        );
    END IF;

    v_job := pgimport._validate_values(v_job, p_search_path);
    v_job := pgimport._mark_duplicates(v_job, p_search_path);

    RETURN pgimport._envelope(
        v_job,
        format(
            '%s of %s clean: %s invalid, %s%s',
            v_job.clean_rows, pgimport._count_of(v_job.total_rows, 'row'), v_job.invalid_rows,
            pgimport._count_of(
                v_job.total_rows - v_job.clean_rows - v_job.invalid_rows, 'duplicate'
            ),
            CASE WHEN v_job.options ->> 'on_duplicate' = 'update' THEN format(
                ', %s of them to be updated', pgimport._class_counts(v_job) ->> 'update'
            ) END
        ),
        pgimport._check_keys(v_job) || pgimport._refusal(v_job),
        v_warnings || pgimport._constraint_warnings(v_job) || pgimport._content_warnings(v_job)
    );
END;
$check_job$;

COMMENT ON FUNCTION pgimport.check_job(uuid, text) IS
'Checks all staged rows of a job: types, rules, every constraint of the target, then duplicates '
'inside the files and in the target; each error of each row becomes an issue. Keys: valid, '
'total_rows, total_clean, clean_count, validation_errors, errors[], internal_duplicates, '
'database_duplicates, both_duplicates, new_database_duplicates; '
'would_insert, would_update and refused_because {code, message}: what the limits of the job '
'allow. '
'Example: select jsonb_pretty(pgimport.check_job(:''job''))';
