-- The answer of cancel_job where a run was stopped, but the job is not one that can be given up:
-- rows of it are in the target. It leaves the queue, so that no worker goes on with it.
-- Called by cancel_job with the job locked. Returns PI106.
CREATE OR REPLACE FUNCTION pgimport._stopped_envelope(
    p_job pgimport.job,
    p_stopped integer[],
    p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_stopped_envelope$
DECLARE
    v_rows bigint := coalesce(p_job.rows_inserted, 0) + coalesce(p_job.rows_updated, 0)
        - CASE p_job.status WHEN 'rolled_back' THEN p_job.rows_inserted + p_job.rows_updated
            ELSE coalesce(p_job.rows_deleted, 0) + coalesce(p_job.rows_restored, 0) END;
BEGIN
    UPDATE pgimport.job_queue SET state = 'cancelled', finished_at = clock_timestamp()
    WHERE job_id = p_job.job_id AND state IN ('waiting', 'running');
    PERFORM pgimport._log_event(p_job.job_id, 'stopped', jsonb_strip_nulls(jsonb_build_object(
        'pids', to_jsonb(p_stopped), 'reason', p_reason
    )));

    RETURN pgimport._envelope(
        p_job,
        format('job %s is not cancelled, it is %s: %s of it are in the target%s', p_job.job_id,
            p_job.status, pgimport._count_of(v_rows, 'row'),
            CASE WHEN cardinality(p_stopped) > 0 THEN '; what ran was stopped' ELSE '' END),
        jsonb_build_object(
            'reason', p_reason,
            'stopped', to_jsonb(p_stopped),
            'code', 'PI106',
            'hint', CASE p_job.status
                WHEN 'inserting' THEN format(
                    'take it back: select pgimport.rollback_job(%1$L); or go on: '
                    'call pgimport.insert_in_batches(%1$L);', p_job.job_id
                )
                WHEN 'completed' THEN format(
                    'select pgimport.plan_rollback(%L);', p_job.job_id
                )
                ELSE format('select jsonb_pretty(pgimport.get_job(%L));', p_job.job_id)
            END
        ),
        p_success => false
    );
END;
$_stopped_envelope$;

COMMENT ON FUNCTION pgimport._stopped_envelope(pgimport.job, integer[], text) IS
'internal: the answer of cancel_job for a job that has rows in its target.';

-- Gives a job up, also one that another session loads, checks or inserts at this moment: that is
-- stopped, and undone. Its staged rows are dropped, its record stays, its file may be imported
-- again. A job whose batches are in the target, and one whose rollback runs, is only stopped.
-- Called by users; cancelling a cancelled job says so and changes nothing.
-- Raises PI001, PI101, PI102, PI601, and 55P03 when a run cannot be stopped; returns PI106.
CREATE OR REPLACE FUNCTION pgimport.cancel_job(
    p_job_id uuid,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $cancel_job$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_before text := v_job.status;
    v_stopped integer[] := pgimport._stop_run(v_job);
BEGIN
    v_job := pgimport._lock_job(p_job_id);
    IF v_job.status = 'cancelled' THEN
        RETURN pgimport._envelope(
            v_job, format('job %s was cancelled before', p_job_id),
            '{"reason": null, "stopped": []}'
        );
    ELSIF v_job.status = 'inserting' OR (
        -- else the run was over before it heard of this
        v_job.status IN ('completed', 'rolled_back') AND v_job.status = v_before
        AND cardinality(v_stopped) > 0
    ) THEN
        RETURN pgimport._stopped_envelope(v_job, v_stopped, p_reason);
    END IF;
    PERFORM pgimport._require_status(
        v_job, '{pending,staging,staged,checked,queued,failed,staging_lost}', 'cancelled'
    );

    PERFORM pgimport._drop_staging(p_job_id);
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_count'));
    UPDATE pgimport.file SET status = 'cleared'
    WHERE job_id = p_job_id AND status IN ('open', 'staged');
    UPDATE pgimport.job SET status = 'cancelled', finished_at = clock_timestamp()
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;
    PERFORM pgimport._log_event(p_job_id, 'cancelled', jsonb_strip_nulls(jsonb_build_object(
        'reason', p_reason,
        'stopped', CASE WHEN cardinality(v_stopped) > 0 THEN to_jsonb(v_stopped) END
    )));

    RETURN pgimport._envelope(
        v_job,
        format('job %s is cancelled%s: nothing was written to the target', p_job_id,
            CASE WHEN cardinality(v_stopped) > 0 THEN ', and what ran was stopped' ELSE '' END),
        jsonb_build_object('reason', p_reason, 'stopped', to_jsonb(v_stopped))
    );
END;
$cancel_job$;

COMMENT ON FUNCTION pgimport.cancel_job(uuid, text) IS
'Gives up a job that is not inserted, also while another session runs it: stops that, frees its '
'staged rows, keeps its record. Keys: reason, stopped (pids). A job with batches in its target is '
'stopped, not cancelled: success false, code PI106. '
'Example: select pgimport.cancel_job(:''job'', ''wrong file'')';
