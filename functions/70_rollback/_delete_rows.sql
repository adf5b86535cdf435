-- Why a plan must not be carried out in a mode; null when it may.
-- Called by rollback_job.
CREATE OR REPLACE FUNCTION pgimport._refuses(
    p_plan jsonb,
    p_mode text
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_refuses$
BEGIN
    RETURN nullif(concat_ws('; ',
        CASE WHEN p_mode = 'refuse' AND (p_plan ->> 'modified')::bigint > 0
            THEN format('%s modified since',
                pgimport._count_of((p_plan ->> 'modified')::bigint, 'row')) END,
        CASE WHEN jsonb_array_length(p_plan -> 'dependents') > 0
            THEN (
                SELECT string_agg(
                    format('%s of %s depending on them',
                        pgimport._count_of((d ->> 'count')::bigint, 'row'), d ->> 'table'), '; '
                )
                FROM jsonb_array_elements(p_plan -> 'dependents') AS d
            ) END
    ), '');
END;
$_refuses$;

COMMENT ON FUNCTION pgimport._refuses(jsonb, text) IS
'internal: why a rollback is refused in a mode, or null.';

-- Deletes the rows of a job: those proved untouched, or with mode force all that carry its id.
-- A row that somebody changes at this moment is waited for, looked at again, and then not deleted.
-- The table's triggers run under the caller's search_path. Called by rollback_job.
CREATE OR REPLACE FUNCTION pgimport._delete_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_mode text,
    p_search_path text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_delete_rows$
DECLARE
    v_deleted bigint;
    v_condition text := CASE p_mode WHEN 'force' THEN 'true'
        ELSE pgimport._untouched_sql(p_job, p_relation) END;
BEGIN
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE format(
        'DELETE FROM %s AS t WHERE t.import_job_id = $1 AND %s', p_relation, v_condition
    ) USING p_job.job_id;
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    RETURN v_deleted;
END;
$_delete_rows$;

COMMENT ON FUNCTION pgimport._delete_rows(pgimport.job, regclass, text, text) IS
'internal: deletes the rows a job inserted, in a rollback.';

-- The answer of rollback_job, done or refused. Called by it.
CREATE OR REPLACE FUNCTION pgimport._rollback_envelope(
    p_job pgimport.job,
    p_message text,
    p_plan jsonb DEFAULT NULL,
    p_own jsonb DEFAULT '{}',
    p_success boolean DEFAULT true
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_rollback_envelope$
BEGIN
    RETURN pgimport._envelope(
        p_job,
        p_message,
        jsonb_build_object(
            'mode', p_job.rollback_mode,
            'rows_deleted', coalesce(p_job.rows_deleted, 0),
            'rows_restored', coalesce(p_job.rows_restored, 0),
            'rows_kept', coalesce(p_job.rows_kept, 0),
            'inserted_originally', coalesce(p_job.rows_inserted, 0)
        ) || p_own,
        coalesce(p_plan -> 'warnings', '[]'),
        CASE WHEN p_plan IS NULL THEN '{}'
            ELSE jsonb_build_object('plan', p_plan - 'warnings') END,
        p_success
    );
END;
$_rollback_envelope$;

COMMENT ON FUNCTION pgimport._rollback_envelope(pgimport.job, text, jsonb, jsonb, boolean) IS
'internal: the answer of rollback_job.';
