-- Deletes the rows that a completed job inserted, after the plan that plan_rollback shows: only
-- rows that nobody has written since, unless the mode says otherwise. All or nothing.
-- Modes: refuse (a modified row or a dependent stops it) · keep_modified (modified rows stay) ·
-- force (modified rows go, too). Rows of other tables that depend on them stop every mode.
-- Called by users; rolling back a job twice says so and changes nothing.
-- Raises PI001, PI002, PI003, PI004, PI101, PI205, PI501, PI502, PI503, PI505, PI506, PI602;
-- returns PI504.
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
AS $rollback_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_relation regclass;
    v_plan jsonb;
    v_deleted bigint;
    v_planned bigint;
    v_refused text;
BEGIN
    PERFORM pgimport._check_rollback_options(p_mode, p_options);
    IF v_job.status = 'rolled_back' THEN
        RETURN pgimport._rollback_envelope(
            v_job, format('job %s was rolled back before: nothing was done now', p_job_id)
        );
    END IF;

    v_relation := pgimport._lock_target(v_job.target_id);
    PERFORM pgimport._plan_job_rows(v_job.rows_inserted, v_relation);
    PERFORM pgimport._refuse_foreign_code(
        v_relation, coalesce((p_options ->> 'allow_superuser')::boolean, false)
    );
    -- a foreign key that would change other tables by itself: no new dependent may come between
    -- the count and the delete. Where the key refuses, the database is the guard.
    IF EXISTS (
        SELECT FROM pg_constraint AS k
        WHERE k.contype = 'f'
            AND k.confdeltype IN ('c', 'n', 'd')
            AND k.confrelid IN (SELECT pgimport._table_tree(v_relation))
    ) THEN
        EXECUTE format(
            'SELECT count(*) FROM (SELECT FROM %s AS t WHERE t.import_job_id = $1 FOR UPDATE) AS q',
            v_relation
        ) INTO v_planned USING p_job_id;
    END IF;

    v_plan := pgimport._make_plan(v_job, p_mode);
    IF NOT (v_plan ->> 'eligible')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = v_plan #>> '{reasons,0,code}',
            MESSAGE = format('job "%s" cannot be rolled back: %s',
                p_job_id, v_plan #>> '{reasons,0,message}'),
            DETAIL = format('all reasons: %s', v_plan -> 'reasons'),
            HINT = format('select jsonb_pretty(pgimport.get_job(%L));', p_job_id);
    END IF;

    v_refused := pgimport._refuses(v_plan, p_mode);
    IF v_refused IS NOT NULL THEN
        RETURN pgimport._rollback_envelope(
            v_job,
            'nothing was rolled back: ' || v_refused,
            v_plan,
            jsonb_build_object(
                'code', 'PI504',
                'hint', CASE WHEN jsonb_array_length(v_plan -> 'dependents') > 0
                    THEN 'delete the dependent rows first, or roll back the job that made them'
                    ELSE format('to keep the modified rows: select pgimport.rollback_job(%L, '
                        '''keep_modified''); to delete them, too: mode ''force''', p_job_id) END
            ),
            false
        );
    END IF;

    v_planned := (v_plan ->> 'delete')::bigint
        + CASE p_mode WHEN 'force' THEN (v_plan ->> 'modified')::bigint ELSE 0 END;
    v_deleted := pgimport._delete_rows(v_job, v_relation, p_mode, p_search_path);
    IF v_deleted <> v_planned THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI505',
            MESSAGE = format('%s to be deleted, but %s deleted',
                pgimport._count_of(v_planned, 'row'), v_deleted),
            DETAIL = 'rows changed while the rollback ran, or a trigger kept them; all was undone',
            HINT = format('select jsonb_pretty(pgimport.plan_rollback(%L)); then try again',
                p_job_id);
    END IF;

    UPDATE pgimport.job
    SET status = 'rolled_back',
        rolled_back_at = clock_timestamp(),
        rolled_back_by = current_user,
        rollback_reason = p_reason,
        rollback_mode = p_mode,
        rows_deleted = v_deleted,
        rows_restored = 0,
        rows_kept = (v_plan ->> 'modified')::bigint + (v_plan ->> 'delete')::bigint - v_deleted
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;

    RETURN pgimport._rollback_envelope(
        v_job,
        format('%s of %s deleted, %s kept, %s gone already',
            v_deleted, pgimport._count_of(v_job.rows_inserted, 'row'), v_job.rows_kept,
            v_plan -> 'already_gone'),
        v_plan
    );
END;
$rollback_job$;

COMMENT ON FUNCTION pgimport.rollback_job(uuid, text, text, jsonb, text) IS
'Deletes what a completed job inserted, nothing else. Modes: refuse, keep_modified, force. Keys: '
'rows_deleted, rows_restored, rows_kept, inserted_originally; refused: success false, code PI504, '
'plan in details. Example: select pgimport.rollback_job(:''job'', p_reason => ''wrong merchant'')';
