-- Shows the first rows of a checked job as they would be written, each with its class and issues.
-- Called by users. Changes nothing. Raises PI001, PI003, PI101, PI102.
CREATE OR REPLACE FUNCTION pgimport.preview_job(
    p_job_id uuid,
    p_limit integer DEFAULT 100
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
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
AS $preview_job$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_values text;
    v_rows jsonb;
BEGIN
    PERFORM pgimport._require_status(v_job, '{checked}', 'previewed');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('a preview shows 1 to 10000 rows, not %s',
                coalesce(p_limit::text, 'null')),
            HINT = format('select pgimport.preview_job(%L, 100);', p_job_id);
    END IF;
    PERFORM set_config('timezone', v_job.time_zone, true);

    SELECT string_agg(
        format('%L, CASE WHEN v.class = ''invalid'' THEN %s ELSE (%s)::text END',
            c.column_name, c.raw_sql, c.typed_sql),
        ', ' ORDER BY c.column_no
    ) INTO v_values
    FROM pgimport._written_columns(v_job) AS c;

    EXECUTE format(
        'SELECT coalesce(jsonb_agg(jsonb_build_object('
        '''file_no'', v.file_no, ''row_no'', v.row_no, ''line_no'', v.line_no, '
        '''class'', v.class, ''is_internal_duplicate'', v.is_internal_duplicate, '
        '''is_database_duplicate'', v.is_database_duplicate, '
        '''values'', jsonb_build_object(%s), '
        '''issues'', (SELECT coalesce(jsonb_agg(jsonb_build_object(''column'', i.column_name, '
        '''code'', i.code, ''message'', i.message, ''value'', i.value) '
        'ORDER BY i.issue_id), ''[]'') '
        'FROM pgimport.issue AS i WHERE i.job_id = $1 AND i.file_no = v.file_no '
        'AND i.row_no = v.row_no)) ORDER BY v.file_no, v.row_no), ''[]'') '
        'FROM (SELECT s.file_no, s.row_no, s.line_no, s.class, s.is_internal_duplicate, '
        's.is_database_duplicate FROM pgimport_staging.%I AS s '
        'ORDER BY s.file_no, s.row_no LIMIT $2) AS v '
        'INNER JOIN pgimport_staging.%I AS s ON s.file_no = v.file_no AND s.row_no = v.row_no',
        v_values,
        pgimport._staging_name(p_job_id, '_rows'),
        pgimport._staging_name(p_job_id)
    ) INTO v_rows USING p_job_id, p_limit;

    RETURN pgimport._envelope(
        v_job,
        format('the first %s of %s', jsonb_array_length(v_rows),
            pgimport._count_of(v_job.total_rows, 'row')),
        jsonb_build_object('rows', v_rows)
    );
END;
$preview_job$;

COMMENT ON FUNCTION pgimport.preview_job(uuid, integer) IS
'Shows the first rows of a checked job as they would be written: rows[] with class insert, skip or '
'invalid, values and issues. Example: select jsonb_pretty(pgimport.preview_job(:''job'', 20))';
