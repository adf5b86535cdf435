-- Stops a statement of another session that works on a job; with p_send false it only looks whether
-- the caller may. Called by _stop_run.
-- Raises PI601 where the caller may not cancel what that session does.
CREATE OR REPLACE FUNCTION pgimport._cancel_backend(
    p_job pgimport.job,
    p_pid integer,
    p_act text,
    p_send boolean
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_cancel_backend$
DECLARE
    v_role name;
    v_may boolean;
BEGIN
    -- as pg_cancel_backend decides
    SELECT
        r.rolname,
        (SELECT c.rolsuper FROM pg_roles AS c WHERE c.rolname = current_user)
        OR (
            NOT r.rolsuper
            AND (pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE'))
        )
    INTO v_role, v_may
    FROM pg_stat_activity AS a
    INNER JOIN pg_roles AS r ON r.oid = a.usesysid
    WHERE a.pid = p_pid;

    -- null: it has ended meanwhile
    IF NOT v_may AND pgimport._ask_worker(p_job.job_id, p_pid) THEN
        RETURN;
    ELSIF NOT v_may THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI601',
            MESSAGE = format('job "%s" is run by role "%s" (pid %s), whose statements "%s" may not '
                'cancel', p_job.job_id, v_role, p_pid, current_user),
            DETAIL = CASE p_act WHEN 'act' THEN 'it acts on the job'
                ELSE 'it loads a file of the job' END,
            HINT = format('ask "%s" or a superuser to call pgimport.cancel_job(%L), or for: '
                'GRANT pg_signal_backend TO %I;', v_role, p_job.job_id, current_user);
    ELSIF v_may AND p_send THEN
        PERFORM pg_cancel_backend(p_pid);
    END IF;
END;
$_cancel_backend$;

COMMENT ON FUNCTION pgimport._cancel_backend(pgimport.job, integer, text, boolean) IS
'internal: cancels what a backend does for a job, where the caller may.';

-- Locks a job against whoever works on it: cancels the statements of the sessions that act on it or
-- load its files, and waits until they have let go, at most lock_timeout, or 10 seconds without
-- one. Returns the pids of those that were stopped.
-- Called by cancel_job. Raises PI601, and 55P03 when somebody does not let go.
CREATE OR REPLACE FUNCTION pgimport._stop_run(
    p_job pgimport.job
)
RETURNS integer[]
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_stop_run$
DECLARE
    c_patience CONSTANT interval := coalesce(
        nullif(current_setting('lock_timeout')::interval, interval '0'), interval '10 s'
    );
    v_started timestamptz := clock_timestamp();
    v_again timestamptz := v_started;
    v_stopped integer[] := '{}'::integer[];
    v_busy text;
    r_backend record;
BEGIN
    LOOP
        -- never in the queue of those that wait: one of them may be next to run the job
        PERFORM FROM pgimport.job AS j WHERE j.job_id = p_job.job_id FOR UPDATE SKIP LOCKED;
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN found AND NOT EXISTS (
            SELECT FROM pgimport._job_backends(p_job.job_id) AS b WHERE b.pid <> pg_backend_pid()
        );

        -- first all of them: where one may not be stopped, none is
        FOR r_backend IN
            SELECT b.pid, b.act, s.send FROM pgimport._job_backends(p_job.job_id) AS b
            CROSS JOIN (VALUES (false), (true)) AS s (send)
            WHERE b.pid <> pg_backend_pid()
                -- once a second: between two statements a session does not hear it
                AND (b.pid <> ALL (v_stopped) OR clock_timestamp() >= v_again)
            ORDER BY s.send, b.pid
        LOOP
            PERFORM pgimport._cancel_backend(
                p_job, r_backend.pid, r_backend.act, r_backend.send
            );
            CONTINUE WHEN NOT r_backend.send;
            v_stopped := array_remove(v_stopped, r_backend.pid) || r_backend.pid;
            v_again := clock_timestamp() + interval '1 s';
        END LOOP;

        IF clock_timestamp() > v_started + c_patience THEN
            SELECT string_agg(
                concat('pid ', b.pid, format(' (role "%s"', a.usename), ', ' || a.state, ')'), ', '
                ORDER BY b.pid
            ) INTO v_busy
            FROM pgimport._job_backends(p_job.job_id) AS b
            LEFT JOIN pg_stat_activity AS a ON a.pid = b.pid
            WHERE b.pid <> pg_backend_pid();
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = format('job "%s" was not let go within %s', p_job.job_id, c_patience),
                DETAIL = format('it is held by %s', coalesce(v_busy, 'another transaction')),
                HINT = 'a session that is idle in a transaction, or whose COPY waits for its client, '
                    'hears no cancel: end it there, or: select pg_terminate_backend(pid);';
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;

    RETURN v_stopped;
END;
$_stop_run$;

COMMENT ON FUNCTION pgimport._stop_run(pgimport.job) IS
'internal: stops the sessions that work on a job and locks it; returns their pids.';
