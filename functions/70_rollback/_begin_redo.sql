-- Refuses the redo of a job whose files or client key another job has taken meanwhile: what was
-- imported again after the rollback is not imported twice. Files that were in both jobs before the
-- rollback (option force) are in both again.
-- Called by redo_job. Raises PI304.
CREATE OR REPLACE FUNCTION pgimport._refuse_taken(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_taken$
DECLARE
    r_taken record;
BEGIN
    SELECT o.job_id, o.status, format('the bytes of file "%s" are', f.file_name) AS what
    INTO r_taken
    FROM pgimport.file AS f
    INNER JOIN pgimport.file AS n
        ON n.sha256 = f.sha256
            AND n.sheet IS NOT DISTINCT FROM f.sheet
            AND n.job_id <> f.job_id
            AND n.status <> 'failed'
    INNER JOIN pgimport.job AS o
        ON o.job_id = n.job_id
            AND o.target_id = p_job.target_id
            AND o.tenant IS NOT DISTINCT FROM p_job.tenant
            AND o.deleted_at IS NULL
            AND (
                o.status IN ('queued', 'inserting')
                OR (o.status = 'completed' AND o.completed_at > p_job.rolled_back_at)
            )
    WHERE f.job_id = p_job.job_id AND f.status <> 'failed'
    ORDER BY o.completed_at
    LIMIT 1;

    IF r_taken.job_id IS NULL AND p_job.idempotency_key IS NOT NULL THEN
        SELECT
            o.job_id, o.status,
            format('the idempotency key "%s" is', p_job.idempotency_key) AS what
        INTO r_taken
        FROM pgimport.job AS o
        WHERE o.target_id = p_job.target_id
            AND o.owner_role = p_job.owner_role
            AND o.idempotency_key = p_job.idempotency_key
            AND o.job_id <> p_job.job_id
            AND o.status NOT IN ('cancelled', 'rolled_back')
            AND o.deleted_at IS NULL;
    END IF;

    IF r_taken.job_id IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI304',
            MESSAGE = format('job "%s" cannot be redone: %s taken by job "%s" meanwhile',
                p_job.job_id, r_taken.what, r_taken.job_id),
            DETAIL = format('that job is %s; this one was rolled back on %s',
                r_taken.status, p_job.rolled_back_at),
            HINT = CASE r_taken.status
                WHEN 'completed' THEN format(
                    'leave it at that, or first: select pgimport.rollback_job(%L);', r_taken.job_id
                )
                ELSE format(
                    'go on with that job, or first: select pgimport.cancel_job(%L);', r_taken.job_id
                )
            END;
    END IF;
END;
$_refuse_taken$;

COMMENT ON FUNCTION pgimport._refuse_taken(pgimport.job) IS
'internal: refuses the redo of a job whose files or key another job has taken.';

-- Refuses the redo of a job whose staged rows were freed, or lost in a crash of the server.
-- Called by redo_job. Raises PI315, PI602.
CREATE OR REPLACE FUNCTION pgimport._require_staging(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_staging$
DECLARE
    v_gone text;
BEGIN
    PERFORM pgimport._refuse_foreign_staging(p_job);

    SELECT string_agg(format('"%s"', f.file_name), ', ' ORDER BY f.file_no) INTO v_gone
    FROM pgimport.file AS f
    WHERE f.job_id = p_job.job_id
        AND (
            f.status = 'cleared'
            OR (
                f.status = 'staged'
                AND f.rows_staged > 0
                AND NOT pgimport._has_rows(f.staging_table)
            )
        );

    IF v_gone IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI315',
            MESSAGE = format('job "%s" cannot be redone: its staged rows are gone', p_job.job_id),
            DETAIL = format('freed, or lost in a crash of the server: %s', v_gone),
            HINT = 'the files are free: import them in a new job, with pgimport.create_job() and '
                'pgimport.stage_file(), or on the command line: pgimport import';
    END IF;
END;
$_require_staging$;

COMMENT ON FUNCTION pgimport._require_staging(pgimport.job) IS
'internal: refuses the redo of a job whose staged rows are gone.';

-- Takes a job that was rolled back to where its check begins: staged, with nothing written. Who
-- rolled it back, when and why stays in its events; the row says what is true now. Rows that the
-- rollback kept stay in pgimport.kept_row: they are no rows of this job any more.
-- Called by redo_job with the job locked.
CREATE OR REPLACE FUNCTION pgimport._begin_redo(
    p_job pgimport.job
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_begin_redo$
DECLARE
    v_job pgimport.job;
BEGIN
    PERFORM pgimport._log_redo(p_job);
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_print'));
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_image'));

    UPDATE pgimport.job
    SET status = 'staged',
        redone = redone + 1,
        batch_no = NULL,
        batch_after = NULL,
        completed_at = NULL,
        finished_at = NULL,
        rows_inserted = NULL,
        rows_updated = NULL,
        rows_unchanged = NULL,
        rows_skipped = NULL,
        rows_rejected = NULL,
        checksum_staged = NULL,
        checksum_inserted = NULL,
        written_columns = NULL,
        updated_columns = NULL,
        print_columns = NULL,
        rollback_until = NULL,
        rolled_back_at = NULL,
        rolled_back_by = NULL,
        rollback_reason = NULL,
        rollback_mode = NULL,
        rollback_soft = NULL,
        partial_rollbacks = 0,
        rows_deleted = NULL,
        rows_restored = NULL,
        rows_kept = NULL
    WHERE job_id = p_job.job_id
    RETURNING * INTO v_job;

    RETURN v_job;
END;
$_begin_redo$;

COMMENT ON FUNCTION pgimport._begin_redo(pgimport.job) IS
'internal: takes a job that was rolled back to where its check begins.';

-- Writes into the log that a job is redone, and of which rollback. Called by both ways of a redo.
CREATE OR REPLACE FUNCTION pgimport._log_redo(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_log_redo$
BEGIN
    PERFORM pgimport._log_event(p_job.job_id, 'redo', jsonb_strip_nulls(jsonb_build_object(
        'number', p_job.redone + 1,
        'rolled_back_at', p_job.rolled_back_at,
        'rolled_back_by', p_job.rolled_back_by,
        'reason', p_job.rollback_reason,
        'mode', p_job.rollback_mode,
        'soft', p_job.rollback_soft,
        'rows_deleted', p_job.rows_deleted,
        'rows_restored', p_job.rows_restored,
        'rows_kept', p_job.rows_kept
    )));
END;
$_log_redo$;

COMMENT ON FUNCTION pgimport._log_redo(pgimport.job) IS
'internal: writes into the log of a job that it is redone.';
