-- Writes into a job what its rollback did. After one of some of the rows it stays completed, with
-- its numbers, until nothing of it is left. Called by rollback_job.
CREATE OR REPLACE FUNCTION pgimport._close_rollback(
    p_job pgimport.job,
    p_relation regclass,
    p_plan jsonb,
    p_done record,
    p_mode text,
    p_reason text
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_close_rollback$
DECLARE
    v_job pgimport.job;
    v_over boolean := NOT (p_plan ->> 'partial')::boolean
        OR NOT pgimport._has_effect(p_job, p_relation);
BEGIN
    UPDATE pgimport.job AS j
    SET status = CASE WHEN v_over THEN 'rolled_back' ELSE j.status END,
        -- what is declared deleted carries the time of the transaction
        rolled_back_at = CASE WHEN (p_plan ->> 'soft')::boolean THEN now()
            ELSE clock_timestamp() END,
        rolled_back_by = current_user,
        rollback_reason = p_reason,
        rollback_mode = p_mode,
        rollback_soft = coalesce(j.rollback_soft, false) OR (p_plan ->> 'soft')::boolean,
        partial_rollbacks = j.partial_rollbacks + (NOT v_over)::integer,
        rows_deleted = coalesce(j.rows_deleted, 0) + p_done.rows_deleted,
        rows_restored = coalesce(j.rows_restored, 0) + p_done.rows_restored,
        rows_kept = p_done.rows_kept,
        -- of an insert in batches that did not come to its end
        rows_skipped = CASE WHEN v_over THEN coalesce(
            j.rows_skipped, j.total_rows - j.invalid_rows - j.rows_inserted - j.rows_updated
        ) END
    WHERE j.job_id = p_job.job_id
    RETURNING j.* INTO v_job;
    RETURN v_job;
END;
$_close_rollback$;

COMMENT ON FUNCTION
pgimport._close_rollback(pgimport.job, regclass, jsonb, record, text, text) IS
'internal: writes into a job what its rollback did.';

-- Whether rows that a job inserted or updated are still there, so that there is something left to
-- roll back. Called by _close_rollback.
CREATE OR REPLACE FUNCTION pgimport._has_effect(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_has_effect$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_left boolean;
    r_scope record;
BEGIN
    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, p_relation, '{}') AS s;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s AS t WHERE %s)', p_relation, r_scope.carries
    ) INTO v_left;
    IF NOT v_left AND r_scope.has_image THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM pgimport_staging.%I AS i INNER JOIN %s AS t ON %s '
            'WHERE NOT i.undone)',
            pgimport._staging_name(p_job.job_id, '_image'), p_relation, r_scope.matches
        ) INTO v_left;
    END IF;
    RETURN v_left;
END;
$_has_effect$;

COMMENT ON FUNCTION pgimport._has_effect(pgimport.job, regclass) IS
'internal: whether anything of a job is left to roll back.';

-- Keeps rows that are referred to by foreign keys which would change other tables by themselves:
-- no new dependent may come between the count and the delete. Where the key refuses, the database
-- is the guard. Called by rollback_job.
CREATE OR REPLACE FUNCTION pgimport._lock_doomed(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_lock_doomed$
BEGIN
    PERFORM pgimport._plan_job_rows(p_job.rows_inserted, p_relation);
    IF EXISTS (
        SELECT FROM pg_constraint AS k
        WHERE k.contype = 'f'
            AND k.confdeltype IN ('c', 'n', 'd')
            AND k.confrelid IN (SELECT pgimport._table_tree(p_relation))
    ) THEN
        EXECUTE format(
            'SELECT count(*) FROM (SELECT FROM %s AS t WHERE t.import_job_id = $1 FOR UPDATE) AS q',
            p_relation
        ) USING p_job.job_id;
    END IF;
END;
$_lock_doomed$;

COMMENT ON FUNCTION pgimport._lock_doomed(pgimport.job, regclass) IS
'internal: locks the rows of a job that foreign keys with actions refer to.';

-- Rolls the jobs back that stand on this one, newest first, and then this one; where one of them is
-- refused, this one itself included, none of them is rolled back. Returns what rollback_job does.
-- Called by rollback_job for the option with_later_jobs.
CREATE OR REPLACE FUNCTION pgimport._rollback_later(
    p_job pgimport.job,
    p_mode text,
    p_reason text,
    p_options jsonb,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_rollback_later$
DECLARE
    v_jobs jsonb := '[]'::jsonb;
    v_job_id uuid;
    v_done jsonb;
    v_refused jsonb;
BEGIN
    BEGIN
        FOR v_job_id IN
            SELECT l.value::uuid
            FROM jsonb_array_elements_text(
                (pgimport._make_plan(p_job, p_mode, p_options) -> 'later_order')
                || to_jsonb(p_job.job_id)
            ) WITH ORDINALITY AS l (value, place)
            ORDER BY l.place
        LOOP
            v_done := pgimport.rollback_job(
                v_job_id, p_mode, p_reason,
                p_options - CASE WHEN v_job_id = p_job.job_id THEN 'with_later_jobs' ELSE '' END,
                p_search_path
            );
            IF NOT (v_done ->> 'success')::boolean THEN
                v_refused := v_done;
                RAISE EXCEPTION USING
                    ERRCODE = 'PI504',
                    MESSAGE = 'a job was refused: all was undone',
                    HINT = 'it is told below';
            END IF;
            EXIT WHEN v_job_id = p_job.job_id;
            v_jobs := v_jobs || (v_done -> 'later_jobs') || to_jsonb(v_job_id);
        END LOOP;
    EXCEPTION
        WHEN SQLSTATE 'PI504' THEN
            RETURN CASE WHEN v_refused ->> 'job_id' = p_job.job_id::text THEN v_refused
                ELSE pgimport._rollback_envelope(
                    p_job,
                    format('nothing was rolled back: later job %s: %s',
                        v_refused ->> 'job_id', v_refused ->> 'message'),
                    v_refused #> '{details,plan}',
                    jsonb_build_object('code', 'PI504', 'hint', v_refused -> 'hint'),
                    false
                ) END;
    END;
    RETURN v_done || jsonb_build_object('later_jobs', v_jobs);
END;
$_rollback_later$;

COMMENT ON FUNCTION pgimport._rollback_later(pgimport.job, text, text, jsonb, text) IS
'internal: rolls the jobs back that stand on another one.';

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
            'rows_cascaded', 0,
            'inserted_originally', coalesce(p_job.rows_inserted, 0),
            'updated_originally', coalesce(p_job.rows_updated, 0),
            'partial', false,
            'later_jobs', '[]'::jsonb
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
