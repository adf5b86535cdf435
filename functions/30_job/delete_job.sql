-- Refuses to delete a job that cannot do without what it has: while it runs, while a worker has it,
-- and as long as it can be rolled back. Called by delete_job. Raises PI108.
CREATE OR REPLACE FUNCTION pgimport._require_deletable(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_deletable$
DECLARE
    v_reason text;
    v_hint text;
BEGIN
    IF p_job.status = 'inserting' THEN
        v_reason := 'batches of it are in the target, and its rollback needs what it has';
        v_hint := format('take it back: select pgimport.rollback_job(%1$L); or go on: '
            'call pgimport.insert_in_batches(%1$L);', p_job.job_id);
    ELSIF p_job.status = 'completed'
        AND p_job.rollback_disabled_at IS NULL
        AND coalesce(p_job.rollback_until, 'infinity') > statement_timestamp()
    THEN
        v_reason := format('it can be rolled back until %s', p_job.rollback_until);
        v_hint := format('close its rollback first: select pgimport.disable_rollback(%L);',
            p_job.job_id);
    END IF;

    IF v_reason IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI108',
            MESSAGE = format('job "%s" cannot be deleted: %s', p_job.job_id, v_reason),
            DETAIL = format('it is %s', p_job.status),
            HINT = v_hint;
    END IF;
END;
$_require_deletable$;

COMMENT ON FUNCTION pgimport._require_deletable(pgimport.job) IS
'internal: refuses to delete a job that runs or can be rolled back.';

-- Deletes what a job has: staged rows, values and marks, before-images and fingerprints, issues,
-- its counter. Its record stays for ever, with its log, its files' names and hashes, its fixes, the
-- history of its rows and the keys that its rollback kept. A job that is not at its end is
-- cancelled. Its files, content and idempotency key may be imported again.
-- Called by users; deleting a deleted job says so and changes nothing. Not while another session
-- works on the job.
-- Raises PI001, PI101, PI108.
CREATE OR REPLACE FUNCTION pgimport.delete_job(
    p_job_id uuid,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $delete_job$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_pids text;
    v_rows bigint;
    v_issues bigint;
    v_name text;
BEGIN
    SELECT string_agg(b.pid::text, ', ' ORDER BY b.pid) INTO v_pids
    FROM pgimport._job_backends(p_job_id) AS b
    WHERE b.pid <> pg_backend_pid();
    IF v_pids IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI108',
            MESSAGE = format('job "%s" cannot be deleted: another session works on it', p_job_id),
            DETAIL = format('pid %s; it is %s', v_pids, v_job.status),
            HINT = format('wait, or: select pgimport.cancel_job(%L);', p_job_id);
    END IF;
    v_job := pgimport._lock_job(p_job_id);
    IF v_job.deleted_at IS NOT NULL THEN
        RETURN pgimport._envelope(
            v_job, format('job %s was deleted before', p_job_id),
            '{"reason": null, "deleted_issues": 0, "deleted_rows": 0}'
        );
    END IF;
    PERFORM pgimport._require_deletable(v_job);

    SELECT coalesce(sum(f.rows_staged), 0) INTO v_rows
    FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.status = 'staged';
    SELECT count(*) INTO v_issues FROM pgimport.issue AS i WHERE i.job_id = p_job_id;
    IF v_job.status IN (
        'pending', 'staging', 'staged', 'checked', 'queued', 'failed', 'staging_lost'
    ) THEN
        PERFORM pgimport.cancel_job(p_job_id, p_reason);
    END IF;

    PERFORM pgimport._drop_staging(p_job_id);
    FOR v_name IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND starts_with(c.relname, pgimport._staging_name(p_job_id))
            AND c.relkind IN ('r', 'p', 'v', 'S')
        ORDER BY c.relkind = 'v' DESC, c.relname
    LOOP
        PERFORM pgimport._drop_staged(v_name);
    END LOOP;
    DELETE FROM pgimport.issue WHERE job_id = p_job_id;
    UPDATE pgimport.file SET status = 'cleared'
    WHERE job_id = p_job_id AND status IN ('open', 'staged');
    UPDATE pgimport.job SET deleted_at = clock_timestamp(), deleted_by = current_user
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;
    PERFORM pgimport._log_event(p_job_id, 'deleted', jsonb_strip_nulls(jsonb_build_object(
        'reason', p_reason, 'rows', v_rows, 'issues', v_issues
    )));

    RETURN pgimport._envelope(
        v_job,
        format('job %s is deleted, its record stays: %s and %s are gone', p_job_id,
            pgimport._count_of(v_rows, 'staged row'), pgimport._count_of(v_issues, 'issue')),
        jsonb_build_object(
            'reason', p_reason, 'deleted_rows', v_rows, 'deleted_issues', v_issues
        )
    );
END;
$delete_job$;

COMMENT ON FUNCTION pgimport.delete_job(uuid, text) IS
'Deletes what a job has (staged rows, before-images, issues) and keeps its record, log and history '
'of rows; its files can be imported again. Not while it can be rolled back. Keys: reason, '
'deleted_rows, deleted_issues. Example: select pgimport.delete_job(:''job'', ''old'')';
