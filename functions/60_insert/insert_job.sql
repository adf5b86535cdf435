-- Inserts the clean rows of a checked job, all or none, and with on_duplicate update writes those
-- that are in the target already over what is there. The race re-check runs first; the number
-- of rows must be the expected one; on any error the target is as it was and the job is failed,
-- with SQLSTATE and message. Called by users; for a job that is completed already it says so.
-- Raises PI001, PI002, PI003, PI004, PI101, PI102, PI205, PI602; returns PI402, PI403, PI404,
-- PI405, PI406.
CREATE OR REPLACE FUNCTION pgimport.insert_job(
    p_job_id uuid,
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
AS $insert_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_warnings jsonb;
    v_relation regclass;
    v_new bigint;
    v_limit jsonb;
    v_written record;
    v_sqlstate text;
    v_message text;
    v_table text;
    v_constraint text;
    v_started timestamptz := clock_timestamp();
BEGIN
    PERFORM pgimport._check_insert_options(p_options);
    IF v_job.status = 'completed' THEN
        RETURN pgimport._insert_envelope(v_job, 0,
            format('job %s was completed before: nothing was done now', p_job_id));
    END IF;
    PERFORM pgimport._require_status(v_job, '{checked}', 'inserted');
    PERFORM set_config('timezone', v_job.time_zone, true);

    v_relation := pgimport._lock_target(v_job.target_id);
    PERFORM pgimport._refuse_foreign_code(
        v_relation, coalesce((p_options ->> 'allow_superuser')::boolean, false)
    );
    v_warnings := pgimport._seal_staging(v_job);
    v_job := pgimport._read_job(p_job_id);
    IF v_job.status = 'staging_lost' THEN
        RETURN pgimport._lost_envelope(v_job, pgimport._insert_keys(v_job, 0));
    END IF;
    PERFORM pgimport._require_rules(v_job);

    v_new := pgimport._recheck_duplicates(v_job);
    v_job := pgimport._read_job(p_job_id);

    v_warnings := v_warnings || pgimport._content_warnings(v_job);

    v_limit := pgimport._over_limit(v_job);
    IF v_limit IS NOT NULL THEN
        RETURN pgimport._envelope(
            v_job,
            'nothing was inserted: ' || (v_limit ->> 'message'),
            pgimport._insert_keys(v_job, v_new) || pgimport._refusal(v_job) || jsonb_build_object(
                'code', v_limit -> 'code',
                'hint', pgimport._limit_hint(v_job, v_limit ->> 'code')
            ),
            v_warnings, '{}', false
        );
    ELSIF coalesce((p_options ->> 'dry_run')::boolean, false) THEN
        RETURN pgimport._envelope(
            v_job,
            format('dry run: %s would be inserted, %snothing was written',
                pgimport._count_of(v_job.clean_rows, 'row'),
                CASE v_job.options ->> 'on_duplicate' WHEN 'update' THEN format(
                    '%s updated, ', pgimport._rows_to_update(v_job)
                ) END),
            pgimport._insert_keys(v_job, v_new) || pgimport._refusal(v_job),
            v_warnings,
            '{"dry_run": true}'
        );
    END IF;

    BEGIN
        SELECT w.* INTO STRICT v_written
        FROM pgimport._write_rows(v_job, v_relation, p_search_path) AS w;

        UPDATE pgimport.job AS j
        SET status = 'completed',
            completed_at = clock_timestamp(),
            finished_at = clock_timestamp(),
            rows_inserted = v_written.rows_written,
            rows_updated = v_written.rows_updated,
            rows_unchanged = v_written.rows_unchanged,
            rows_skipped = j.total_rows - j.invalid_rows - v_written.rows_written
                - v_written.rows_updated,
            rows_rejected = j.invalid_rows,
            checksum_staged = v_written.checksum_staged,
            checksum_inserted = v_written.checksum_inserted,
            written_columns = v_written.columns,
            updated_columns = v_written.updated_columns,
            print_columns = v_written.print_columns,
            rollback_until = clock_timestamp() + coalesce(
                (t.options ->> 'rollback_window')::interval, interval '30 days'
            ),
            error_sqlstate = NULL,
            error_message = NULL
        FROM pgimport.target AS t
        WHERE j.job_id = p_job_id AND t.target_id = j.target_id
        RETURNING j.* INTO v_job;
        PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_value'));
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

    IF v_sqlstate IS NOT NULL THEN
        UPDATE pgimport.job
        SET status = 'failed', error_sqlstate = v_sqlstate, error_message = v_message
        WHERE job_id = p_job_id RETURNING * INTO v_job;
        RETURN pgimport._envelope(
            v_job,
            format('nothing was inserted, the target is as it was: %s', v_message),
            pgimport._insert_keys(v_job, v_new) || jsonb_build_object(
                'code', 'PI404',
                'hint', format('mend the cause, then: select pgimport.check_job(%L);', p_job_id)
            ),
            v_warnings,
            -- no DETAIL: it may quote a row that the caller may not see
            jsonb_build_object('sqlstate', v_sqlstate, 'message', v_message,
                'table', nullif(v_table, ''), 'constraint', nullif(v_constraint, '')),
            false
        );
    END IF;

    RETURN pgimport._insert_envelope(
        v_job, v_new,
        pgimport._insert_message(v_job),
        v_warnings,
        jsonb_build_object(
            'seconds', round(extract(EPOCH FROM clock_timestamp() - v_started)::numeric, 3),
            'checksum', v_job.checksum_inserted, 'rollback_until', v_job.rollback_until
        )
    );
END;
$insert_job$;

COMMENT ON FUNCTION pgimport.insert_job(uuid, jsonb, text) IS
'Inserts the clean rows of a checked job, all or none, and with on_duplicate update changes rows '
'that are there; an error undoes everything, makes the job failed and success false. Options: '
'dry_run, allow_superuser. Keys: rows_inserted, rows_updated, rows_unchanged, rows_skipped, '
'rows_rejected, expected. '
'Example: select jsonb_pretty(pgimport.insert_job(:''job''))';
