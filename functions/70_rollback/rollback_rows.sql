-- Lists the rows of one class of a rollback's plan, page by page, or those that a rollback kept.
-- Called by users. Changes nothing. Raises PI001, PI003, PI101, PI205.
CREATE OR REPLACE FUNCTION pgimport.rollback_rows(
    p_job_id uuid,
    p_class text,
    p_after bigint DEFAULT 0,
    p_limit integer DEFAULT 100
)
RETURNS TABLE (
    row_no bigint,
    class text,
    kind text,
    key jsonb,
    columns text[],
    detail text
)
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
SET jit = off
AS $rollback_rows$
#variable_conflict use_column
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
BEGIN
    IF p_class IS NULL
        OR p_class NOT IN ('delete', 'restore', 'gone', 'modified', 'taken', 'kept')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('class "%s" of a rollback''s plan is not known',
                coalesce(p_class, 'null')),
            HINT = 'classes: delete, restore, gone, modified, taken, kept';
    ELSIF p_limit IS NULL OR p_limit < 1 OR p_after IS NULL OR p_after < 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'p_after must be a number from 0, p_limit one from 1',
            HINT = format('select * from pgimport.rollback_rows(%L, ''modified'', 0, 100);',
                p_job_id);
    END IF;

    IF p_class = 'kept' THEN
        RETURN QUERY
        SELECT k.kept_no, p_class, k.kind, k.key, k.columns, 'since ' || k.kept_at::text
        FROM pgimport.kept_row AS k
        WHERE k.job_id = p_job_id AND k.kept_no > p_after
        ORDER BY k.kept_no
        LIMIT p_limit;
    ELSIF v_job.status IN ('completed', 'inserting') THEN
        PERFORM pgimport._refuse_foreign_staging(v_job);
        PERFORM set_config('timezone', v_job.time_zone, true);
        RETURN QUERY
        SELECT r.row_no, p_class, r.kind, r.key, r.columns, r.detail
        FROM pgimport._plan_rows(
            v_job, pgimport._job_relation(v_job), '{}', p_class, p_after, p_limit
        ) AS r;
    END IF;
END;
$rollback_rows$;

COMMENT ON FUNCTION pgimport.rollback_rows(uuid, text, bigint, integer) IS
'Lists the rows of a class of a rollback''s plan by their keys: delete, restore, gone, modified '
'(with the columns that are not what the job wrote) or taken (old values that another row has '
'now); after a rollback: kept. Pages: p_after is the last row_no seen. '
'Example: select * from pgimport.rollback_rows(:''job'', ''modified'')';
