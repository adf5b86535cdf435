-- SQL condition on row t that it came from certain staged rows, by their keys. Called by
-- _rollback_filter. Raises PI508 when the staged rows are gone.
CREATE OR REPLACE FUNCTION pgimport._staged_rows_sql(
    p_job pgimport.job,
    p_listed text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_staged_rows_sql$
DECLARE
    v_values text := pgimport._staged_values_sql(
        p_job, format('(s.file_no, s.row_no) IN %s', p_listed)
    );
    r_key record;
BEGIN
    IF v_values IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI508',
            MESSAGE = format('the staged rows of job "%s" are gone: a token means none of them '
                'any more', p_job.job_id),
            HINT = 'name the rows by their values: {"filter": {"column": ["value", …]}}';
    END IF;
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    RETURN format(
        'EXISTS (SELECT FROM (%s) AS k WHERE %s)',
        replace(
            r_key.staged_keys,
            format('pgimport_staging.%I AS v', pgimport._staging_name(p_job.job_id, '_value')),
            format('(%s) AS v', v_values)
        ),
        r_key.target_equal
    );
END;
$_staged_rows_sql$;

COMMENT ON FUNCTION pgimport._staged_rows_sql(pgimport.job, text) IS
'internal: SQL condition that a row of the target came from certain staged rows.';

-- SELECT of rows like those of a job's table of values, which the insert has dropped, for the rows
-- that it inserted, made of the staged text again; null when that is gone, too.
-- Called by _staged_rows_sql and _plan_rows.
CREATE OR REPLACE FUNCTION pgimport._staged_values_sql(
    p_job pgimport.job,
    p_condition text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_staged_values_sql$
DECLARE
    c_staging CONSTANT text := pgimport._staging_name(p_job.job_id);
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
BEGIN
    IF to_regclass(format('pgimport_staging.%I', c_staging)) IS NULL
        OR to_regclass(format('pgimport_staging.%I', c_mark)) IS NULL
    THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT format(
            'SELECT s.file_no, s.row_no%s FROM pgimport_staging.%I AS s WHERE %s AND NOT EXISTS ('
            'SELECT FROM pgimport_staging.%I AS m WHERE m.file_no = s.file_no '
            'AND m.row_no = s.row_no) OFFSET 0',
            string_agg(
                format(', %s AS c%s', c.stored_sql, c.column_no), '' ORDER BY c.column_no
            ),
            c_staging, p_condition, c_mark
        )
        FROM pgimport._written_columns(p_job) AS c
    );
END;
$_staged_values_sql$;

COMMENT ON FUNCTION pgimport._staged_values_sql(pgimport.job, text) IS
'internal: SELECT of the values of staged rows that were inserted.';
