-- Rows of a job's files so far: those of files that are closed, and of open ones as many as their
-- row numbers say, which are taken a hundred at a time, also before COPY is done. rows_total: null
-- while a file is open. seconds: since the first of the open files got rows.
-- Called by job_progress.
CREATE OR REPLACE FUNCTION pgimport._rows_loaded(
    p_job_id uuid,
    OUT rows_done bigint,
    OUT rows_total bigint,
    OUT rows_open bigint,
    OUT seconds numeric
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- a file that is being staged anew: nothing to wait for
SET lock_timeout = '100ms'
AS $_rows_loaded$
BEGIN
    SELECT
        sum(coalesce(f.rows_staged, s.rows_open, 0)),
        CASE WHEN bool_and(f.status <> 'open') THEN sum(f.rows_staged) END,
        sum(s.rows_open),
        extract(EPOCH FROM clock_timestamp() - min(f.opened_at) FILTER (WHERE s.rows_open > 0))
    INTO rows_done, rows_total, rows_open, seconds
    FROM pgimport.file AS f
    LEFT JOIN LATERAL (
        SELECT greatest(pg_sequence_last_value(c.oid::regclass) - 99, 1) AS rows_open
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'pgimport_staging'
            AND c.relname = (f.staging_table || '_row_no_seq')::name
            AND c.relkind = 'S'
            AND has_sequence_privilege(c.oid, 'SELECT')
    ) AS s ON f.status = 'open'
    WHERE f.job_id = p_job_id AND f.status IN ('open', 'staged');
EXCEPTION
    WHEN lock_not_available OR undefined_table THEN
        RETURN;
END;
$_rows_loaded$;

COMMENT ON FUNCTION pgimport._rows_loaded(uuid) IS
'internal: rows of the files of a job that are loaded so far.';

-- How many rows a phase of a job has to do, as far as the job's committed record tells.
-- Called by job_progress.
CREATE OR REPLACE FUNCTION pgimport._phase_rows(
    p_job pgimport.job,
    p_phase text
)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_phase_rows$
BEGIN
    RETURN CASE
        WHEN p_phase IN ('insert', 'checksum') THEN p_job.clean_rows
        WHEN p_phase IN ('images', 'update') THEN pgimport._rows_to_update(p_job)
        WHEN p_phase IN ('rollback', 'plan', 'cascade')
            THEN p_job.rows_inserted - coalesce(p_job.rows_deleted, 0)
        WHEN p_phase = 'restore' THEN p_job.rows_updated - coalesce(p_job.rows_restored, 0)
        WHEN p_phase = 'rehearse' THEN NULL
        ELSE coalesce(p_job.total_rows, (
            SELECT sum(f.rows_staged) FROM pgimport.file AS f
            WHERE f.job_id = p_job.job_id AND f.status = 'staged'
        ))
    END;
END;
$_phase_rows$;

COMMENT ON FUNCTION pgimport._phase_rows(pgimport.job, text) IS
'internal: how many rows a phase of a job has to do.';

-- For whom a backend waits, in words; null when it waits for nobody. What others may see of a
-- session in pg_stat_activity is said of it. Called by job_progress and cancel_job.
CREATE OR REPLACE FUNCTION pgimport._waiting_for(
    p_pid integer
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_waiting_for$
BEGIN
    RETURN (
        SELECT string_agg(
            concat(
                'pid ', b.pid,
                format(' (role "%s")', a.usename),
                (
                    SELECT format(', job %s', j.job_id)
                    FROM pg_locks AS l
                    -- one that is rolled back is rarely an old one
                    INNER JOIN (
                        SELECT a.job_id FROM pgimport.job AS a
                        WHERE a.status IN (
                            'staging', 'staged', 'checked', 'queued', 'inserting', 'failed'
                        )
                        UNION ALL (
                            SELECT d.job_id FROM pgimport.job AS d
                            WHERE d.status = 'completed' ORDER BY d.job_id DESC LIMIT 1000
                        )
                    ) AS j
                        ON (l.classid::bigint << 32) | l.objid::bigint
                            = pgimport._run_key(j.job_id)
                    WHERE l.pid = b.pid AND l.locktype = 'advisory' AND l.objsubid = 1
                        AND l.granted AND l.mode = 'ExclusiveLock'
                    LIMIT 1
                )
            ), '; ' ORDER BY b.pid
        )
        FROM (SELECT DISTINCT unnest(pg_blocking_pids(p_pid)) AS pid) AS b
        LEFT JOIN pg_stat_activity AS a ON a.pid = b.pid
    );
END;
$_waiting_for$;

COMMENT ON FUNCTION pgimport._waiting_for(integer) IS
'internal: the sessions for which a backend waits.';

-- How far a job is at this moment, also inside a transaction of somebody else that is not over:
-- phase, rows and rate come from the job's live counter, who runs it from its run lock. Waits for
-- nothing. While nothing runs, phase and rate are null, and rows are those that were written.
-- Called by users, as often as they like. Raises PI001, PI101.
CREATE OR REPLACE FUNCTION pgimport.job_progress(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $job_progress$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_written bigint := v_job.rows_inserted + v_job.rows_updated;
    v_pid integer;
    v_act text;
    v_phase text;
    v_rows bigint := CASE
        WHEN v_job.status IN ('inserting', 'completed', 'rolled_back') THEN v_written
    END;
    v_total bigint := CASE
        WHEN v_job.status = 'inserting' THEN v_job.clean_rows + pgimport._rows_to_update(v_job)
        ELSE coalesce(v_rows, v_job.total_rows)
    END;
    v_counted bigint;
    v_seconds numeric;
    v_rate numeric;
    r_load record;
BEGIN
    SELECT b.pid, b.act INTO v_pid, v_act FROM pgimport._job_backends(p_job_id) AS b
    WHERE b.pid <> pg_backend_pid()
    ORDER BY b.act, b.pid LIMIT 1;

    IF v_act = 'act' THEN
        SELECT c.phase, c.seconds, c.rows_done INTO v_phase, v_seconds, v_counted
        FROM pgimport._read_counter(p_job_id) AS c;
        v_total := pgimport._phase_rows(v_job, v_phase);
        -- the row of a job that runs says how many rows its batches have written before
        v_rows := v_counted + CASE
            WHEN v_job.status = 'inserting' AND v_phase = 'insert' THEN v_job.rows_inserted
            WHEN v_job.status = 'inserting' AND v_phase = 'update' THEN v_job.rows_updated
            ELSE 0
        END;
    ELSIF v_act = 'load' OR v_job.status = 'staging' THEN
        SELECT l.* INTO STRICT r_load FROM pgimport._rows_loaded(p_job_id) AS l;
        v_phase := CASE WHEN v_act = 'load' THEN 'stage' END;
        v_rows := r_load.rows_done;
        v_total := r_load.rows_total;
        v_counted := r_load.rows_open;
        v_seconds := CASE WHEN v_act = 'load' THEN r_load.seconds END;
    END IF;

    -- before so much time has passed a rate says nothing
    IF v_counted > 0 AND v_seconds >= 0.3 THEN
        v_rate := round(v_counted / v_seconds);
    END IF;
    RETURN pgimport._envelope(
        v_job,
        concat_ws(' ',
            format('job %s is %s%s', p_job_id, v_job.status,
                CASE WHEN v_pid IS NULL THEN ', nothing runs' END),
            CASE WHEN v_pid IS NOT NULL THEN
                format('and runs: %s', concat_ws(', ', v_phase, v_rows || ' rows')) END
        ),
        jsonb_build_object(
            'running', v_pid IS NOT NULL,
            'phase', v_phase,
            'rows_done', CASE WHEN v_rows > v_total THEN v_total ELSE v_rows END,
            'rows_total', v_total,
            'seconds', round(v_seconds, 1),
            'rows_per_second', v_rate,
            'eta_seconds', CASE WHEN v_rate > 0 AND v_total IS NOT NULL
                THEN round(greatest(v_total - v_rows, 0) / v_rate, 1) END,
            'pid', v_pid,
            'waiting_for', pgimport._waiting_for(v_pid)
        )
    );
END;
$job_progress$;

COMMENT ON FUNCTION pgimport.job_progress(uuid) IS
'How far a job is now, while another session runs it: running, pid, phase, rows_done, rows_total, '
'seconds, rows_per_second and eta_seconds of the phase, waiting_for (whom the run waits for). '
'Example: select pgimport.job_progress(:''job'') -> ''phase''';
