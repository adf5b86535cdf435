-- Marks the duplicates of a staged job, inside its files and against the target.
-- Called by users; running it again gives the same answer on the same rows.
-- Raises PI001, PI101, PI102, PI204, PI205, PI207, PI305, PI306.
CREATE OR REPLACE FUNCTION pgimport.mark_duplicates(
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
AS $mark_duplicates$
DECLARE
    v_warnings jsonb := pgimport._begin_check(p_job_id, 'checked for duplicates');
    v_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    IF v_job.status = 'staging_lost' THEN
        RETURN pgimport._lost_envelope(v_job, pgimport._check_keys(v_job));
    END IF;

    -- marks stand on valid rows only; a first call, or new rules, ask for the values first
    v_job := pgimport._validate_values(v_job, p_search_path);
    v_job := pgimport._mark_duplicates(v_job, p_search_path);

    RETURN pgimport._envelope(
        v_job,
        format(
            '%s inside the files, %s in the target, %s clean',
            pgimport._count_of(v_job.internal_duplicates, 'duplicate'),
            v_job.database_duplicates, pgimport._count_of(v_job.clean_rows, 'row')
        ),
        pgimport._check_keys(v_job)
        - '{valid,total_clean,validation_errors,errors,new_database_duplicates}'::text[],
        v_warnings || pgimport._constraint_warnings(v_job) || pgimport._content_warnings(v_job)
    );
END;
$mark_duplicates$;

COMMENT ON FUNCTION pgimport.mark_duplicates(uuid, text) IS
'Marks duplicates inside the files and against the target. Keys: total_rows, internal_duplicates, '
'database_duplicates, both_duplicates, clean_count. Repeatable. '
'Example: select jsonb_pretty(pgimport.mark_duplicates(:''job''))';
