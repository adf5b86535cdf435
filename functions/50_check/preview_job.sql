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
    v_names text;
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

    PERFORM pgimport._refuse_foreign_staging(v_job);

    -- two arrays: a function takes a hundred arguments at most, a table has more columns
    SELECT
        format('ARRAY[%s]', string_agg(quote_literal(c.column_name), ', ' ORDER BY c.column_no)),
        format('ARRAY[%s]', string_agg(
            format('CASE WHEN m.invalid THEN %s ELSE (%s)::text END', c.raw_sql, c.typed_sql),
            ', ' ORDER BY c.column_no
        ))
    INTO v_names, v_values
    FROM pgimport._written_columns(v_job) AS c;

    EXECUTE format(
        'WITH first AS MATERIALIZED ('
        'SELECT r.* FROM pgimport_staging.%3$I AS r ORDER BY r.file_no, r.row_no LIMIT $2), '
        'mark AS (SELECT k.file_no, k.row_no, bool_or(k.kind = ''x'') AS invalid, '
        'bool_or(k.kind = ''i'') AS internal, bool_or(k.kind = ''d'') AS database '
        'FROM pgimport_staging.%4$I AS k INNER JOIN first AS s '
        'ON s.file_no = k.file_no AND s.row_no = k.row_no GROUP BY k.file_no, k.row_no), '
        'issue AS (SELECT i.file_no, i.row_no, jsonb_agg(jsonb_build_object('
        '''column'', i.column_name, ''code'', i.code, ''message'', i.message, '
        '''value'', i.value) ORDER BY i.issue_id) AS issues '
        'FROM pgimport.issue AS i INNER JOIN first AS s '
        'ON s.file_no = i.file_no AND s.row_no = i.row_no '
        'WHERE i.job_id = $1 GROUP BY i.file_no, i.row_no) '
        'SELECT coalesce(jsonb_agg(jsonb_build_object('
        '''file_no'', s.file_no, ''row_no'', s.row_no, '
        '''line_no'', coalesce(s.line_no, s.row_no + f.line_offset), '
        '''class'', CASE WHEN m.invalid THEN ''invalid'' '
        'WHEN m.internal OR m.database THEN ''skip'' ELSE ''insert'' END, '
        '''is_internal_duplicate'', coalesce(m.internal, false), '
        '''is_database_duplicate'', coalesce(m.database, false), '
        '''values'', jsonb_object(%1$s, %2$s), ''issues'', coalesce(i.issues, ''[]'')'
        ') ORDER BY s.file_no, s.row_no), ''[]'') '
        'FROM first AS s '
        'INNER JOIN pgimport.file AS f ON f.job_id = $1 AND f.file_no = s.file_no '
        'LEFT JOIN mark AS m ON m.file_no = s.file_no AND m.row_no = s.row_no '
        'LEFT JOIN issue AS i ON i.file_no = s.file_no AND i.row_no = s.row_no',
        v_names,
        v_values,
        pgimport._staging_name(p_job_id),
        pgimport._staging_name(p_job_id, '_mark')
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
