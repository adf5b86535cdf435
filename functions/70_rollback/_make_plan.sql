-- The one planner: what a rollback of a job would do, and whether it may. plan_rollback shows it,
-- rollback_job carries it out. Changes nothing. Dependents are those of the rows that the mode
-- would delete: with force also the modified ones.
-- Reasons against are objects {code, message}: PI501 (state), PI502 (window), PI503 (disabled).
-- Called by plan_rollback and rollback_job. Raises PI205.
CREATE OR REPLACE FUNCTION pgimport._make_plan(
    p_job pgimport.job,
    p_mode text
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_make_plan$
DECLARE
    -- modified rows named in the plan; all of them are counted
    c_most_rows CONSTANT integer := 100;
    v_target pgimport.target;
    v_relation regclass;
    v_reasons jsonb := '[]'::jsonb;
    v_warnings jsonb := '[]'::jsonb;
    v_untouched text;
    v_delete bigint := 0;
    v_modified bigint := 0;
    v_rows jsonb := '[]'::jsonb;
    r_dependents record;
    v_triggers text;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    v_relation := pgimport._target_relation(v_target);
    v_untouched := pgimport._untouched_sql(p_job, v_relation);

    IF p_job.status <> 'completed' THEN
        v_reasons := v_reasons || jsonb_build_object(
            'code', 'PI501', 'message', format('the job is %s, not completed', p_job.status)
        );
    END IF;
    IF p_job.rollback_disabled_at IS NOT NULL THEN
        v_reasons := v_reasons || jsonb_build_object(
            'code', 'PI503',
            'message', format('rollback was disabled on %s by "%s"%s', p_job.rollback_disabled_at,
                p_job.rollback_disabled_by, coalesce(': ' || p_job.rollback_disabled_reason, ''))
        );
    ELSIF p_job.rollback_until < clock_timestamp() THEN
        v_reasons := v_reasons || jsonb_build_object(
            'code', 'PI502', 'message', format('the window for a rollback ended on %s',
                p_job.rollback_until)
        );
    END IF;

    IF p_job.status = 'completed' THEN
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE %1$s), count(*) FILTER (WHERE (%1$s) IS NOT TRUE) '
            'FROM %2$s AS t WHERE t.import_job_id = $1', v_untouched, v_relation
        ) INTO v_delete, v_modified USING p_job.job_id;
    END IF;

    IF v_modified > 0 THEN
        EXECUTE format(
            'SELECT coalesce(jsonb_agg(q.row), ''[]'') FROM (SELECT jsonb_build_object(%s) AS row '
            'FROM %s AS t WHERE t.import_job_id = $1 AND (%s) IS NOT TRUE LIMIT %s) AS q',
            (
                SELECT string_agg(format('%L, t.%I::text', k.name, k.name), ', ' ORDER BY k.place)
                FROM unnest(v_target.key_columns) WITH ORDINALITY AS k (name, place)
            ),
            v_relation, v_untouched, c_most_rows
        ) INTO v_rows USING p_job.job_id;
    END IF;

    SELECT d.* INTO STRICT r_dependents
    FROM pgimport._dependents(
        v_relation,
        't.import_job_id = $1'
        || CASE p_mode WHEN 'force' THEN '' ELSE format(' AND %s', v_untouched) END,
        p_job.job_id
    ) AS d;
    v_warnings := v_warnings || r_dependents.warnings;

    IF p_job.status = 'completed' AND v_untouched = 'false' THEN
        v_warnings := v_warnings || '["the rows cannot be proved untouched: the table was made '
            'anew or restored from a dump since, so all count as modified"]'::jsonb;
    END IF;

    SELECT string_agg(DISTINCT format('"%s"', g.tgname), ', ') INTO v_triggers
    FROM pg_trigger AS g
    WHERE g.tgrelid IN (SELECT pgimport._table_tree(v_relation))
        AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 8 = 8;
    IF v_triggers IS NOT NULL THEN
        v_warnings := v_warnings || to_jsonb(format('triggers will fire: %s', v_triggers));
    END IF;

    RETURN jsonb_build_object(
        'eligible', jsonb_array_length(v_reasons) = 0,
        'reasons', v_reasons,
        'delete', v_delete,
        'restore', 0,
        'already_gone', greatest(coalesce(p_job.rows_inserted, 0) - v_delete - v_modified, 0),
        'modified', v_modified,
        'modified_rows', v_rows,
        'dependents', r_dependents.dependents,
        'later_jobs', '[]'::jsonb,
        'warnings', v_warnings,
        'expires_at', p_job.rollback_until
    );
END;
$_make_plan$;

COMMENT ON FUNCTION pgimport._make_plan(pgimport.job, text) IS
'internal: the plan of a rollback, for plan_rollback and rollback_job.';
