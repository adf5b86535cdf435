-- The one planner: what a rollback of a job would do in a mode, and whether it may. plan_rollback
-- shows it, rollback_job carries it out. Changes nothing.
-- Reasons against are objects {code, message}: PI501 (state), PI502 (window), PI503 (disabled),
-- PI507 (a role that may not).
-- Called by plan_rollback and rollback_job. Raises PI205, PI206, PI508.
CREATE OR REPLACE FUNCTION pgimport._make_plan(
    p_job pgimport.job,
    p_mode text,
    p_options jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_make_plan$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- rows of a class that the plan names; all of them are counted
    c_most_rows CONSTANT integer := 100;
    v_relation regclass := pgimport._job_relation(p_job);
    v_reasons jsonb := pgimport._rollback_reasons(p_job);
    v_soft boolean := pgimport._is_soft(p_job, v_relation, p_options);
    v_partial boolean := p_options ?| '{filter,rows}';
    v_force boolean := p_mode = 'force' OR (p_options ->> 'force')::boolean IS TRUE;
    v_untouched bigint := 0;
    v_rest bigint := 0;
    v_equal bigint := 0;
    v_restore bigint := 0;
    v_image_equal bigint := 0;
    v_image_modified bigint := 0;
    v_image_gone bigint := 0;
    v_taken bigint := 0;
    v_later jsonb := '[]'::jsonb;
    v_dependents jsonb := '[]'::jsonb;
    v_warnings jsonb := '[]'::jsonb;
    r_scope record;
    r_found record;
BEGIN
    IF v_partial AND p_job.status = 'inserting' THEN
        v_reasons := v_reasons || jsonb_build_object(
            'code', 'PI501', 'message', 'rows of it are still to be inserted: roll all of it back, '
                'or a part when it is completed'
        );
    END IF;
    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, v_relation, p_options) AS s;

    IF p_job.status IN ('completed', 'inserting') THEN
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE %1$s), count(*) FILTER (WHERE (%1$s) IS NOT TRUE) '
            'FROM %2$s AS t WHERE %3$s', r_scope.untouched, v_relation, r_scope.carries
        ) INTO v_untouched, v_rest;
        IF v_rest > 0 THEN
            EXECUTE format(
                'SELECT count(*) FILTER (WHERE q."pgimport state" = ''e''), count(*) FROM (%s) AS q',
                r_scope.rest
            ) INTO v_equal, v_rest;
        END IF;
        IF r_scope.has_image THEN
            SELECT c.* INTO STRICT r_found
            FROM pgimport._count_images(p_job, v_relation, r_scope, v_partial) AS c;
            v_restore := r_found.untouched + r_found.equal;
            v_image_equal := r_found.equal;
            v_image_modified := r_found.modified;
            v_image_gone := r_found.gone;
            v_taken := pgimport._count_taken(
                p_job, v_relation, r_scope,
                pgimport._doomed_sql(v_relation, r_scope, v_force, v_rest),
                CASE WHEN v_force THEN 'force' ELSE p_mode END, v_soft
            );
        END IF;

        IF NOT v_soft THEN
            SELECT d.dependents, d.warnings INTO STRICT v_dependents, v_warnings
            FROM pgimport._plan_dependents(
                v_relation, pgimport._doomed_sql(v_relation, r_scope, v_force, v_rest), p_mode
            ) AS d;
        END IF;
        v_later := pgimport._later_jobs(
            p_job, v_relation, r_scope,
            v_rest + v_image_equal + v_image_modified + v_image_gone > 0,
            CASE WHEN jsonb_array_length(v_dependents) > 0
                THEN pgimport._doomed_sql(v_relation, r_scope, v_force, v_rest) END
        );
        v_warnings := v_warnings || pgimport._plan_warnings(p_job, v_relation, r_scope, v_soft);
    END IF;

    RETURN jsonb_build_object(
        'eligible', jsonb_array_length(v_reasons) = 0,
        'reasons', v_reasons,
        'mode', p_mode,
        'soft', v_soft,
        'partial', v_partial,
        'rows_inserted', coalesce(p_job.rows_inserted, 0),
        'rows_updated', coalesce(p_job.rows_updated, 0),
        'delete', v_untouched + v_equal,
        'restore', v_restore,
        'rewritten', v_equal + v_image_equal,
        'already_gone', v_image_gone + CASE WHEN v_partial THEN 0 ELSE greatest(
            coalesce(p_job.rows_inserted, 0) - coalesce(p_job.rows_deleted, 0)
            - v_untouched - v_rest, 0
        ) END,
        'modified', v_rest - v_equal + v_image_modified,
        'modified_inserted', v_rest - v_equal,
        'modified_updated', v_image_modified,
        'modified_rows', CASE WHEN v_rest - v_equal + v_image_modified > 0 THEN (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'kind', r.kind, 'key', r.key, 'columns', r.columns
            ) ORDER BY r.row_no), '[]')
            FROM pgimport._plan_rows(
                p_job, v_relation, p_options, 'modified', 0, c_most_rows
            ) AS r
        ) ELSE '[]' END,
        'taken', v_taken,
        'dependents', v_dependents,
        'later_jobs', v_later,
        'later_order', (
            SELECT coalesce(jsonb_agg(l.value -> 'job_id' ORDER BY l.place), '[]')
            FROM jsonb_array_elements(v_later) WITH ORDINALITY AS l (value, place)
        ),
        'seconds', pgimport._expected_seconds(
            p_job, v_untouched + v_equal, v_restore, v_dependents
        ),
        'warnings', v_warnings,
        'expires_at', p_job.rollback_until
    );
END;
$_make_plan$;

COMMENT ON FUNCTION pgimport._make_plan(pgimport.job, text, jsonb) IS
'internal: the plan of a rollback, for plan_rollback and rollback_job.';

-- What forbids a rollback whatever the rows are: [{code, message}]. Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._rollback_reasons(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_rollback_reasons$
DECLARE
    v_reasons jsonb := '[]'::jsonb;
BEGIN
    IF p_job.status NOT IN ('completed', 'inserting') THEN
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
    RETURN v_reasons || coalesce(pgimport._rollback_right(p_job), '[]');
END;
$_rollback_reasons$;

COMMENT ON FUNCTION pgimport._rollback_reasons(pgimport.job) IS
'internal: what forbids the rollback of a job whatever its rows are.';

-- Whether a rollback declares rows deleted instead of deleting them: as its options say, else where
-- the target has a column for it. Called by _make_plan. Raises PI003.
CREATE OR REPLACE FUNCTION pgimport._is_soft(
    p_job pgimport.job,
    p_relation regclass,
    p_options jsonb
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_soft$
DECLARE
    v_possible boolean := pgimport._alive_sql(p_job.target_id, p_relation) IS NOT NULL;
BEGIN
    IF (p_options ->> 'soft_delete')::boolean AND NOT v_possible THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('table "%s" has no column that declares rows deleted', p_relation),
            HINT = 'name it when the target is registered: {"soft_delete": "deleted_at"}';
    END IF;
    RETURN v_possible AND coalesce((p_options ->> 'soft_delete')::boolean, true);
END;
$_is_soft$;

COMMENT ON FUNCTION pgimport._is_soft(pgimport.job, regclass, jsonb) IS
'internal: whether a rollback declares rows deleted instead of deleting them.';
