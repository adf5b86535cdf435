-- Adds what a batch, or the whole insert, wrote to what its job says; completes the job when no
-- row remains. Called by _insert_batch.
CREATE OR REPLACE FUNCTION pgimport._close_batch(
    p_batch pgimport.job,
    p_written record
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_close_batch$
DECLARE
    v_job pgimport.job;
    v_over boolean := p_batch.batch_until IS NULL;
    -- after the first batch; what else stands in the job is of an insert that was undone
    v_more boolean := p_batch.status = 'inserting';
BEGIN
    UPDATE pgimport.job AS j
    SET status = CASE WHEN v_over THEN 'completed' ELSE 'inserting' END,
        batch_no = CASE WHEN v_more THEN j.batch_no + 1 WHEN NOT v_over THEN 1 END,
        batch_after = p_batch.batch_until,
        rows_inserted = p_written.rows_written + CASE WHEN v_more THEN j.rows_inserted ELSE 0 END,
        rows_updated = p_written.rows_updated + CASE WHEN v_more THEN j.rows_updated ELSE 0 END,
        rows_unchanged = p_written.rows_unchanged
            + CASE WHEN v_more THEN j.rows_unchanged ELSE 0 END,
        rows_rejected = j.invalid_rows,
        checksum_staged = p_written.checksum_staged::numeric
            + CASE WHEN v_more THEN j.checksum_staged::numeric ELSE 0 END,
        checksum_inserted = p_written.checksum_inserted::numeric
            + CASE WHEN v_more THEN j.checksum_inserted::numeric ELSE 0 END,
        written_columns = p_written.columns,
        updated_columns = p_written.updated_columns,
        print_columns = p_written.print_columns,
        rollback_until = CASE WHEN v_more THEN j.rollback_until
            ELSE clock_timestamp() + coalesce(
                (t.options ->> 'rollback_window')::interval, interval '30 days'
            ) END,
        error_sqlstate = NULL,
        error_message = NULL
    FROM pgimport.target AS t
    WHERE j.job_id = p_batch.job_id AND t.target_id = j.target_id
    RETURNING j.* INTO v_job;

    v_over := v_over OR pgimport._rows_remaining(v_job) = 0;
    UPDATE pgimport.job AS j
    SET status = CASE WHEN v_over THEN 'completed' ELSE j.status END,
        completed_at = CASE WHEN v_over THEN clock_timestamp() END,
        finished_at = CASE WHEN v_over THEN clock_timestamp() END,
        rows_skipped = CASE WHEN v_over
            THEN j.total_rows - j.invalid_rows - j.rows_inserted - j.rows_updated END
    WHERE j.job_id = p_batch.job_id;
    IF v_over THEN
        PERFORM pgimport._drop_staged(pgimport._staging_name(p_batch.job_id, '_value'));
    END IF;
END;
$_close_batch$;

COMMENT ON FUNCTION pgimport._close_batch(pgimport.job, record) IS
'internal: adds what a batch wrote to what its job says.';

-- Writes the rows of a batch, or all of a job, and what the job says of them, or nothing: every
-- error is caught here, becomes the state of the job, and is returned. A job of which batches are
-- written stays inserting. Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._insert_batch(
    p_batch pgimport.job,
    p_relation regclass,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_insert_batch$
DECLARE
    v_sqlstate text;
    v_message text;
    v_table text;
    v_constraint text;
    r_written record;
BEGIN
    BEGIN
        SELECT w.* INTO STRICT r_written
        FROM pgimport._write_rows(p_batch, p_relation, p_search_path) AS w;
        PERFORM pgimport._close_batch(p_batch, r_written);
        RETURN NULL;
    EXCEPTION
        -- the whole transaction is doomed and must be tried again by the caller
        WHEN serialization_failure THEN
            RAISE;
        -- the one place where every error is caught: it becomes the state of the job
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_sqlstate = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT,
                v_table = TABLE_NAME,
                v_constraint = CONSTRAINT_NAME;
    END;

    v_message := v_message || pgimport._waited_for(v_sqlstate, p_relation);
    UPDATE pgimport.job
    SET status = CASE status WHEN 'inserting' THEN status ELSE 'failed' END,
        error_sqlstate = v_sqlstate,
        error_message = v_message
    WHERE job_id = p_batch.job_id;
    -- no DETAIL: it may quote a row that the caller may not see
    RETURN jsonb_build_object('sqlstate', v_sqlstate, 'message', v_message,
        'table', nullif(v_table, ''), 'constraint', nullif(v_constraint, ''));
END;
$_insert_batch$;

COMMENT ON FUNCTION pgimport._insert_batch(pgimport.job, regclass, text) IS
'internal: writes the rows of a batch or a whole job, or nothing and the error into the job.';
