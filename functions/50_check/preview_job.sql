-- Shows the first rows of a checked job as they would be written, each with its class, its issues
-- and, where its key is in the target, what differs from the row there; and what would become of
-- the whole job. Called by users. Changes nothing. Raises PI001, PI003, PI101, PI102, PI205, PI602.
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
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_relation regclass;
    v_rows jsonb;
    v_readable boolean;
BEGIN
    PERFORM pgimport._require_status(v_job, '{checked}', 'previewed');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('a preview shows 1 to 10000 rows, not %s',
                coalesce(p_limit::text, 'null')),
            HINT = format('select pgimport.preview_job(%L, 100);', p_job_id);
    END IF;
    PERFORM pgimport._refuse_foreign_staging(v_job);
    PERFORM set_config('timezone', v_job.time_zone, true);
    SELECT pgimport._target_relation(t) INTO STRICT v_relation
    FROM pgimport.target AS t WHERE t.target_id = v_job.target_id;
    PERFORM pgimport._require_rules(v_job);

    v_readable := NOT EXISTS (
        SELECT FROM pgimport._key_columns(v_job.target_id) AS k
        WHERE NOT has_column_privilege(v_relation, k.column_name, 'SELECT')
    );
    v_rows := pgimport._preview_rows(
        v_job, v_relation, p_limit, v_readable AND v_job.database_duplicates > 0
    );

    RETURN pgimport._envelope(
        v_job,
        format('the first %s of %s', jsonb_array_length(v_rows),
            pgimport._count_of(v_job.total_rows, 'row')),
        pgimport._refusal(v_job) || jsonb_build_object(
            'rows', v_rows,
            'classes', pgimport._class_counts(v_job),
            'columns', (
                SELECT jsonb_agg(
                    jsonb_build_object('column', c.column_name, 'type', c.type_name,
                        'key', c.is_key, 'sensitive', c.is_sensitive) ORDER BY c.column_no
                )
                FROM pgimport._preview_columns(v_job, v_relation) AS c
            ),
            'not_shown', pgimport._preview_omitted(v_job)
        ),
        CASE WHEN v_readable THEN '[]' ELSE jsonb_build_array(format(
            'role "%s" may not read the key of %s: what is there is not shown',
            current_user, v_relation
        )) END
    );
END;
$preview_job$;

COMMENT ON FUNCTION pgimport.preview_job(uuid, integer) IS
'Shows the first rows of a checked job as they would be written. Keys: rows[] with class (insert, '
'update, skip or invalid), values, issues[] and changes {column: {old, new}} where the key is in '
'the target (of a job that updates: what it will write); classes {insert, update, skip, invalid} '
'of the whole job; columns[] in the order of the table, not_shown[]; would_insert, would_update '
'and refused_because {code, message}. Values of sensitive columns are masked. '
'Example: select jsonb_pretty(pgimport.preview_job(:''job'', 20))';
