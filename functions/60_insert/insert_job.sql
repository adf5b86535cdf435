-- Inserts the clean rows of a checked job, all or none, and with on_duplicate update writes those
-- that are in the target already over what is there. The race re-check runs first; the number
-- of rows must be the expected one; on any error the target is as it was and the job is failed,
-- with SQLSTATE and message. With batch_rows one batch is written by each call, until the job is
-- completed: what an earlier call wrote stays, whatever happens to a later one.
-- Called by users; for a job that is completed already it says so.
-- Raises PI001, PI002, PI003, PI101, PI102, PI205, PI602; returns PI402, PI403, PI404, PI405,
-- PI406, PI407.
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
    v_batch pgimport.job;
    v_batch_rows bigint;
    v_warnings jsonb := '[]'::jsonb;
    v_relation regclass;
    v_new bigint;
    v_limit jsonb;
    v_failed jsonb;
    v_started timestamptz := clock_timestamp();
BEGIN
    PERFORM pgimport._check_insert_options(p_options);
    v_batch_rows := (p_options ->> 'batch_rows')::bigint;
    IF v_job.status = 'completed' THEN
        RETURN pgimport._insert_envelope(v_job, 0,
            format('job %s was completed before: nothing was done now', p_job_id));
    END IF;
    PERFORM pgimport._require_status(v_job, '{checked,inserting}', 'inserted');
    PERFORM set_config('timezone', v_job.time_zone, true);

    PERFORM pgimport._take_slot(v_job);
    v_relation := pgimport._lock_target(v_job.target_id);
    PERFORM pgimport._refuse_foreign_code(
        v_relation, coalesce((p_options ->> 'allow_superuser')::boolean, false)
    );
    IF v_job.status = 'inserting' THEN
        PERFORM pgimport._refuse_foreign_staging(v_job);
        v_batch := pgimport._next_batch(
            v_job, coalesce(v_batch_rows, pgimport._rows_remaining(v_job))
        );
    ELSE
        v_warnings := pgimport._seal_staging(v_job);
        v_job := pgimport._read_job(p_job_id);
        IF v_job.status = 'staging_lost' THEN
            RETURN pgimport._lost_envelope(v_job, pgimport._insert_keys(v_job, 0));
        END IF;
        v_batch := v_job;
    END IF;
    PERFORM pgimport._require_rules(v_job);

    PERFORM pgimport._begin_phase(p_job_id, 'recheck');
    v_new := pgimport._recheck_duplicates(v_batch);
    v_job := pgimport._read_job(p_job_id);

    v_warnings := v_warnings || pgimport._content_warnings(v_job);

    v_limit := pgimport._over_limit(v_job);
    IF v_limit IS NOT NULL THEN
        RETURN pgimport._envelope(
            v_job,
            format('nothing %swas inserted: %s',
                CASE v_job.status WHEN 'inserting' THEN 'more ' END, v_limit ->> 'message'),
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

    IF v_job.status <> 'inserting' THEN
        v_batch := v_job;
        IF v_batch_rows < pgimport._rows_remaining(v_job) THEN
            PERFORM pgimport._prepare_batches(v_job);
            v_warnings := v_warnings || pgimport._batch_warnings(v_relation);
            v_batch := pgimport._next_batch(v_job, v_batch_rows);
        END IF;
    END IF;
    IF v_batch.batch_until IS NOT NULL THEN
        v_batch := pgimport._count_batch(v_job, v_batch.batch_until);
    END IF;
    v_failed := pgimport._insert_batch(v_batch, v_relation, p_search_path);
    v_job := pgimport._read_job(p_job_id);
    IF v_failed IS NOT NULL THEN
        RETURN pgimport._failed_envelope(v_job, v_new, v_warnings, v_failed);
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
'dry_run, allow_superuser, batch_rows (so many rows a call; the job is inserting until all are '
'written). Keys: rows_inserted, rows_updated, rows_unchanged, rows_skipped, rows_rejected, '
'expected, rows_remaining, batch_no. '
'Example: select jsonb_pretty(pgimport.insert_job(:''job''))';
