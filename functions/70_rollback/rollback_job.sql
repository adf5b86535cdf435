-- Undoes a completed job after the plan that plan_rollback shows: deletes the rows it inserted,
-- gives those it updated their old values back, and leaves alone what others have written since,
-- unless the mode says otherwise. All or nothing.
-- Modes: refuse (a modified row, a dependent, a later job stops it) · keep_modified (what others
-- have written stays) · force (their changes go, too) · cascade (dependents are deleted; those that
-- people added only with the option force).
-- Called by users; rolling back a job twice says so and changes nothing.
-- Raises PI001, PI002, PI003, PI101, PI205, PI206, PI501, PI502, PI503, PI505, PI506, PI507, PI508,
-- PI602; returns PI504.
CREATE OR REPLACE FUNCTION pgimport.rollback_job(
    p_job_id uuid,
    p_mode text DEFAULT 'refuse',
    p_reason text DEFAULT NULL,
    p_options jsonb DEFAULT '{}',
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
SET enable_seqscan = on
SET jit = off
AS $rollback_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_force boolean;
    v_relation regclass;
    v_plan jsonb;
    v_refused text;
    v_started timestamptz := clock_timestamp();
    r_done record;
BEGIN
    PERFORM pgimport._check_rollback_options(p_mode, v_options);
    v_force := (v_options ->> 'force')::boolean IS TRUE;
    IF v_job.status = 'rolled_back' THEN
        RETURN pgimport._rollback_envelope(
            v_job, format('job %s was rolled back before: nothing was done now', p_job_id)
        );
    END IF;
    PERFORM pgimport._may_rollback(v_job);
    PERFORM set_config('timezone', v_job.time_zone, true);

    IF (v_options ->> 'with_later_jobs')::boolean THEN
        RETURN pgimport._rollback_later(v_job, p_mode, p_reason, v_options, p_search_path);
    END IF;

    PERFORM pgimport._take_slot(v_job);
    v_relation := pgimport._lock_target(v_job.target_id);
    PERFORM pgimport._refuse_foreign_code(
        v_relation, coalesce((v_options ->> 'allow_superuser')::boolean, false)
    );
    PERFORM pgimport._refuse_foreign_staging(v_job);
    PERFORM pgimport._refuse_foreign_image(v_job, v_relation);
    PERFORM pgimport._begin_phase(p_job_id, 'plan');
    PERFORM pgimport._lock_doomed(v_job, v_relation);

    PERFORM pgimport._plan_job_rows(v_job.rows_inserted, v_relation);
    v_plan := pgimport._make_plan(v_job, p_mode, v_options);
    IF NOT (v_plan ->> 'eligible')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = v_plan #>> '{reasons,0,code}',
            MESSAGE = format('job "%s" cannot be rolled back: %s',
                p_job_id, v_plan #>> '{reasons,0,message}'),
            DETAIL = format('all reasons: %s', v_plan -> 'reasons'),
            HINT = format('select jsonb_pretty(pgimport.get_job(%L));', p_job_id);
    END IF;
    v_refused := pgimport._refused_because(v_plan, p_mode, v_force);
    IF v_refused IS NOT NULL THEN
        PERFORM pgimport._log_plan(v_job, 'rollback_refused', v_plan, v_refused);
        RETURN pgimport._rollback_envelope(
            v_job, 'nothing was rolled back: ' || v_refused, v_plan,
            jsonb_build_object(
                'code', 'PI504', 'hint', pgimport._refused_hint(p_job_id, v_plan)
            ), false
        );
    END IF;

    BEGIN
        SELECT c.* INTO STRICT r_done
        FROM pgimport._carry_out(v_job, v_relation, v_plan, p_mode, v_options, p_search_path) AS c;
    EXCEPTION
        -- only for a subtransaction: what it writes is told by its xmin from what else this
        -- transaction writes
        WHEN unique_violation OR exclusion_violation THEN
            RAISE;
    END;
    v_job := pgimport._close_rollback(v_job, v_relation, v_plan, r_done, p_mode, p_reason);
    PERFORM pgimport._log_plan(v_job, 'rollback', v_plan || to_jsonb(r_done)
        || jsonb_build_object(
            'role', current_user, 'reason', p_reason,
            'seconds', round(extract(EPOCH FROM clock_timestamp() - v_started)::numeric, 3)
        ), NULL);

    RETURN pgimport._rollback_envelope(
        v_job,
        concat_ws(', ',
            format('%s of %s %s', r_done.rows_deleted,
                pgimport._count_of(v_job.rows_inserted, 'row'),
                CASE WHEN v_job.rollback_soft THEN 'declared deleted' ELSE 'deleted' END),
            CASE WHEN v_job.rows_updated > 0
                THEN format('%s of %s restored', r_done.rows_restored, v_job.rows_updated) END,
            CASE WHEN r_done.rows_cascaded > 0
                THEN pgimport._count_of(r_done.rows_cascaded, 'dependent') || ' deleted' END,
            format('%s kept', r_done.rows_kept),
            format('%s gone already', v_plan -> 'already_gone')
        ) || CASE WHEN v_job.status <> 'rolled_back' THEN ': the job is partially rolled back'
            ELSE '' END,
        v_plan,
        jsonb_build_object(
            'rows_cascaded', r_done.rows_cascaded, 'later_jobs', '[]'::jsonb,
            'partial', v_job.status <> 'rolled_back'
        )
    );
END;
$rollback_job$;

COMMENT ON FUNCTION pgimport.rollback_job(uuid, text, text, jsonb, text) IS
'Undoes a completed job: deletes what it inserted, restores what it updated, nothing else. Modes: '
'refuse, keep_modified, force, cascade. Options: filter {column: value}, rows [tokens], '
'soft_delete, with_later_jobs, force, allow_superuser. Keys: rows_deleted, rows_restored, '
'rows_kept, rows_cascaded, inserted_originally, updated_originally, partial, later_jobs[]; '
'refused: success false, code PI504, plan in details. '
'Example: select pgimport.rollback_job(:''job'', p_reason => ''wrong merchant'')';
