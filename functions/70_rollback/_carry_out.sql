-- Carries a plan out: keeps note of what is kept, deletes (or declares deleted), restores, and
-- compares the counts with the plan; when they differ everything is undone.
-- Deleting comes first: a row that the job inserted may have a value that a restored one had.
-- Called by rollback_job with the job and its target locked. Raises PI505, and whatever the table
-- raises.
CREATE OR REPLACE FUNCTION pgimport._carry_out(
    p_job pgimport.job,
    p_relation regclass,
    p_plan jsonb,
    p_mode text,
    p_options jsonb,
    p_search_path text,
    OUT rows_deleted bigint,
    OUT rows_restored bigint,
    OUT rows_kept bigint,
    OUT rows_cascaded bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_carry_out$
DECLARE
    v_force boolean := p_mode = 'force' OR (p_options ->> 'force')::boolean IS TRUE;
    v_soft boolean := (p_plan ->> 'soft')::boolean;
    v_own bigint := (p_plan ->> 'modified_inserted')::bigint;
    v_updated bigint := (p_plan ->> 'modified_updated')::bigint;
    v_equal bigint := (p_plan ->> 'rewritten')::bigint;
    v_delete bigint := (p_plan ->> 'delete')::bigint + CASE WHEN v_force THEN v_own ELSE 0 END;
    v_restore bigint := (p_plan ->> 'restore')::bigint
        + CASE WHEN v_force THEN v_updated ELSE 0 END;
    v_rest bigint := v_own + v_equal;
    v_written bigint := 0;
    v_cascade bigint;
    r_scope record;
    r_done record;
BEGIN
    PERFORM pgimport._plan_job_rows(p_job.rows_inserted, p_relation);
    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, p_relation, p_options) AS s;
    rows_restored := 0;
    rows_cascaded := 0;
    rows_kept := CASE WHEN v_force THEN 0 ELSE v_own + v_updated END;
    IF rows_kept > 0 THEN
        INSERT INTO pgimport.kept_row (job_id, kind, key, key_hash, columns)
        SELECT p_job.job_id, r.kind, r.key, r.key_hash, r.columns
        FROM pgimport._plan_rows(p_job, p_relation, p_options, 'modified', 0, NULL) AS r;
    END IF;

    IF p_mode = 'cascade' AND NOT v_soft AND jsonb_array_length(p_plan -> 'dependents') > 0 THEN
        PERFORM pgimport._begin_phase(p_job.job_id, 'cascade');
        SELECT c.* INTO STRICT r_done
        FROM pgimport._cascade_delete(
            p_job.job_id, p_relation,
            pgimport._doomed_sql(p_relation, r_scope, v_force, v_rest), p_search_path,
            (p_options ->> 'allow_superuser')::boolean IS TRUE
        ) AS c;
        rows_deleted := r_done.deleted;
        rows_cascaded := r_done.cascaded;
        SELECT coalesce(sum((d.value ->> 'count')::bigint), 0) INTO v_cascade
        FROM jsonb_array_elements(p_plan -> 'dependents') AS d
        WHERE d.value ->> 'on_delete' NOT IN ('set null', 'set default');
        PERFORM pgimport._require_count(v_cascade, rows_cascaded, 'deleted as dependents', p_job);
    ELSIF v_delete > 0 THEN
        PERFORM pgimport._add_history(p_job.target_id, p_job.job_id, 'delete', format(
            '(%s) AS t', pgimport._doomed_sql(p_relation, r_scope, v_force, v_rest)
        ));
        rows_deleted := pgimport._delete_rows(
            p_job, p_relation, r_scope, v_force, v_soft, v_rest, p_search_path
        );
    ELSE
        rows_deleted := 0;
    END IF;
    PERFORM pgimport._require_count(v_delete, rows_deleted, 'deleted', p_job);

    IF r_scope.has_image AND v_restore + v_updated > 0 THEN
        SELECT r.* INTO STRICT r_done
        FROM pgimport._restore_rows(
            p_job, p_relation, r_scope, CASE WHEN v_force THEN 'force' ELSE p_mode END,
            (p_plan ->> 'partial')::boolean, p_search_path
        ) AS r;
        rows_restored := r_done.rows_restored;
        v_written := r_done.rows_touched;
    END IF;
    PERFORM pgimport._require_count(v_restore, rows_restored, 'restored', p_job);
    PERFORM pgimport._check_deferred(p_relation, p_search_path);
    IF v_soft AND rows_deleted > 0 OR v_written > 0 THEN
        -- by them a redo knows what the rollback wrote
        PERFORM pgimport._record_write(
            p_job.job_id, p_relation, v_written + CASE WHEN v_soft THEN rows_deleted ELSE 0 END,
            NULL, 'rollback'
        );
    END IF;
END;
$_carry_out$;

COMMENT ON FUNCTION pgimport._carry_out(pgimport.job, regclass, jsonb, text, jsonb, text) IS
'internal: carries the plan of a rollback out.';

-- Called by _carry_out. Raises PI505.
CREATE OR REPLACE FUNCTION pgimport._require_count(
    p_planned bigint,
    p_done bigint,
    p_act text,
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_require_count$
BEGIN
    IF p_done <> p_planned THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI505',
            MESSAGE = format('%s to be %s, but %s were',
                pgimport._count_of(p_planned, 'row'), p_act, p_done),
            DETAIL = 'rows changed while the rollback ran, or a trigger or a policy kept them; '
                'all was undone',
            HINT = format('select jsonb_pretty(pgimport.plan_rollback(%L)); then try again',
                p_job.job_id);
    END IF;
END;
$_require_count$;

COMMENT ON FUNCTION pgimport._require_count(bigint, bigint, text, pgimport.job) IS
'internal: raises PI505 when a rollback did not do what was planned.';
