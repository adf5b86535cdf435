-- Writes into a job whose rows are alive again that it is completed: without the rows that its
-- rollback kept, which count as duplicates from now on. Its window begins anew.
-- Called by _redo_soft.
CREATE OR REPLACE FUNCTION pgimport._close_redo(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_close_redo$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    v_job pgimport.job;
    v_kept_sql text := format(
        'EXISTS (SELECT FROM pgimport.kept_row AS r '
        'WHERE r.job_id = $1 AND r.kind = ''inserted'' AND r.key_hash = %s)',
        pgimport._key_print_sql(p_job)
    );
    v_kept bigint;
    v_left bigint := 0;
    v_checksum text := p_job.checksum_inserted;
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM %s AS t WHERE t.import_job_id = $1 AND %s', p_relation, v_kept_sql
    ) INTO v_kept USING p_job.job_id;
    IF v_kept > 0 THEN
        EXECUTE format(
            'SELECT %s FROM %s AS t WHERE t.import_job_id = $1 AND NOT %s',
            pgimport._target_checksum_sql(p_relation, p_job.written_columns), p_relation,
            v_kept_sql
        ) INTO v_checksum USING p_job.job_id;
    END IF;
    IF to_regclass(format('pgimport_staging.%I', c_image)) IS NOT NULL THEN
        EXECUTE format(
            'SELECT count(*) FROM pgimport_staging.%I AS i WHERE i.undone', c_image
        ) INTO v_left;
        v_left := least(v_left, p_job.rows_updated);
    END IF;

    PERFORM pgimport._log_redo(p_job);
    UPDATE pgimport.job
    SET status = 'checked',
        redone = redone + 1,
        rows_inserted = rows_inserted - v_kept,
        rows_updated = rows_updated - v_left,
        rows_skipped = rows_skipped + v_kept + v_left,
        checksum_inserted = v_checksum,
        rolled_back_at = NULL,
        rolled_back_by = NULL,
        rollback_reason = NULL,
        rollback_mode = NULL,
        rollback_soft = NULL,
        partial_rollbacks = 0,
        rows_deleted = NULL,
        rows_restored = NULL,
        rows_kept = NULL
    WHERE job_id = p_job.job_id;
    UPDATE pgimport.job AS j
    SET status = 'completed',
        completed_at = clock_timestamp(),
        finished_at = clock_timestamp(),
        rollback_until = clock_timestamp() + coalesce(
            (t.options ->> 'rollback_window')::interval, interval '30 days'
        )
    FROM pgimport.target AS t
    WHERE j.job_id = p_job.job_id AND t.target_id = j.target_id
    RETURNING j.* INTO v_job;

    RETURN v_job;
END;
$_close_redo$;

COMMENT ON FUNCTION pgimport._close_redo(pgimport.job, regclass) IS
'internal: writes into a job that its rows are alive again and it is completed.';

-- Redoes a job whose rollback declared its rows deleted, all or nothing; when another row has the
-- key of one of them by now, nothing is done and the answer says so.
-- Called by redo_job with the job locked. Raises PI205, PI602; returns PI404.
CREATE OR REPLACE FUNCTION pgimport._redo_soft(
    p_job pgimport.job,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_redo_soft$
DECLARE
    v_job pgimport.job;
    v_relation regclass := pgimport._lock_target(p_job.target_id);
    v_sqlstate text;
    v_message text;
    v_constraint text;
    r_done record;
BEGIN
    PERFORM pgimport._refuse_foreign_code(v_relation, false);
    PERFORM pgimport._refuse_foreign_image(p_job, v_relation);
    IF pgimport._alive_sql(p_job.target_id, v_relation) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI205',
            MESSAGE = format('the column that declares rows of "%s" deleted is gone', v_relation),
            DETAIL = 'the rollback of this job declared its rows deleted by it',
            HINT = 'register the target again with its option "soft_delete", then redo the job';
    END IF;

    BEGIN
        SELECT r.* INTO STRICT r_done
        FROM pgimport._revive_rows(p_job, v_relation, p_search_path) AS r;
        v_job := pgimport._close_redo(p_job, v_relation);
    EXCEPTION
        WHEN unique_violation OR exclusion_violation THEN
            GET STACKED DIAGNOSTICS
                v_sqlstate = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT,
                v_constraint = CONSTRAINT_NAME;
    END;

    IF v_sqlstate IS NOT NULL THEN
        RETURN pgimport._envelope(
            p_job,
            format('nothing was redone, another row has taken the place of one of these: %s',
                v_message),
            pgimport._insert_keys(p_job, 0) || jsonb_build_object(
                'code', 'PI404',
                'hint', format('change or delete the other row, then: '
                    'select pgimport.redo_job(%L);', p_job.job_id),
                'redone', p_job.redone
            ),
            '[]',
            -- no DETAIL: it may quote a row that the caller may not see
            jsonb_build_object('sqlstate', v_sqlstate, 'message', v_message,
                'constraint', nullif(v_constraint, ''), 'check', NULL),
            false
        );
    END IF;

    RETURN pgimport._insert_envelope(
        v_job, 0,
        format('%s alive again%s',
            pgimport._count_of(r_done.rows_revived, 'row'),
            CASE WHEN v_job.rows_updated + r_done.rows_updated > 0
                THEN format(', %s updated again', r_done.rows_updated) END),
        CASE WHEN p_job.rows_deleted > r_done.rows_revived
            THEN jsonb_build_array(format(
                '%s of the rollback not there any more or deleted for good: a new job can import '
                'them', pgimport._count_of(p_job.rows_deleted - r_done.rows_revived, 'row')))
            ELSE '[]' END,
        jsonb_build_object(
            'check', NULL, 'soft', true, 'rows_revived', r_done.rows_revived,
            'rows_updated_again', r_done.rows_updated, 'rollback_until', v_job.rollback_until
        )
    ) || jsonb_build_object('redone', v_job.redone);
END;
$_redo_soft$;

COMMENT ON FUNCTION pgimport._redo_soft(pgimport.job, text) IS
'internal: redoes a job whose rollback declared its rows deleted.';
