-- Jobs that nobody goes on with: staged, checked or half inserted for long, their staging lost by a
-- crash; and the queue: jobs that wait for workers, leases that are over, jobs that are dead.
-- p_age: how long nothing must have happened to a job. Jobs on which a session acts are left out.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_jobs(
    p_age interval DEFAULT '1 day'
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_doctor_jobs$
#variable_conflict use_column
DECLARE
    -- jobs that one statement names
    c_most CONSTANT integer := 10;
BEGIN
    RETURN QUERY
    WITH idle AS (
        SELECT
            j.job_id,
            j.status,
            row_number() OVER (PARTITION BY j.status ORDER BY j.job_id) AS place,
            count(*) OVER (PARTITION BY j.status) AS jobs,
            min(j.created_at) OVER (PARTITION BY j.status) AS oldest
        FROM pgimport.job AS j
        WHERE j.status IN ('pending', 'staging', 'staged', 'checked', 'inserting', 'staging_lost')
            AND j.created_at < clock_timestamp() - p_age
            AND greatest(
                j.staged_at, j.validated_at, j.checked_at,
                (
                    SELECT max(greatest(f.opened_at, f.finished_at)) FROM pgimport.file AS f
                    WHERE f.job_id = j.job_id
                ),
                (SELECT max(w.written_at) FROM pgimport.job_write AS w WHERE w.job_id = j.job_id),
                j.created_at
            ) < clock_timestamp() - p_age
            AND NOT EXISTS (
                SELECT FROM pgimport.job_queue AS q
                WHERE q.job_id = j.job_id AND q.state IN ('waiting', 'running')
            )
            AND NOT EXISTS (SELECT FROM pgimport._job_backends(j.job_id))
    )

    SELECT
        format('jobs %s', i.status),
        'warning',
        format('%s, the oldest of %s', pgimport._count_of(max(i.jobs), 'job'), min(i.oldest)),
        CASE i.status
            WHEN 'inserting' THEN 'some of their rows are in the target, the others are not; go on '
                'as here, or take them out with rollback_job()'
            WHEN 'staging_lost' THEN 'a crash of the server emptied their unlogged tables; stage '
                'their files again (pgimport retry JOB PATH), or give them up as here'
            ELSE 'nobody goes on with them, and what they have staged takes space; go on, or give '
                'them up as here'
        END,
        CASE i.status
            WHEN 'inserting' THEN string_agg(
                format('CALL pgimport.insert_in_batches(%L);', i.job_id), ' ' ORDER BY i.job_id
            )
            ELSE format(
                'SELECT pgimport.cancel_job(j, ''forgotten'') FROM unnest(%L::uuid[]) AS j;',
                array_agg(i.job_id ORDER BY i.job_id)
            )
        END
    FROM idle AS i
    WHERE i.place <= c_most
    GROUP BY i.status
    ORDER BY i.status;

    RETURN QUERY SELECT * FROM pgimport._doctor_queue(p_age);
END;
$_doctor_jobs$;

COMMENT ON FUNCTION pgimport._doctor_jobs(interval) IS
'internal: jobs that nobody goes on with, for doctor().';

-- The queue. Called by _doctor_jobs().
CREATE OR REPLACE FUNCTION pgimport._doctor_queue(
    p_age interval
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_doctor_queue$
#variable_conflict use_column
DECLARE
    -- a worker looks for jobs every few seconds
    c_wait CONSTANT interval := least(p_age, interval '10 minutes');
BEGIN
    RETURN QUERY
    SELECT
        'jobs in the queue',
        'warning',
        format('%s since %s, and no worker takes them',
            pgimport._count_of(count(*), 'job'), min(greatest(q.run_after, q.queued_at))),
        'no worker runs, or none that may act as their owners, or a limit holds them back: '
        'start one (pgimport worker), or run one job here',
        'SELECT pgimport.run_next_job();'
    FROM pgimport.job_queue AS q
    WHERE q.state = 'waiting'
        AND greatest(q.run_after, q.queued_at) < clock_timestamp() - c_wait
    HAVING count(*) > 0;

    RETURN QUERY
    SELECT
        format('worker %s', q.worker),
        'warning',
        format('not heard of since %s, has job %s', q.heartbeat_at, q.job_id),
        'the job is taken back when the next worker claims one',
        'SELECT pgimport._expire_leases();'
    FROM pgimport.job_queue AS q
    WHERE q.state = 'running'
        AND q.lease_until < clock_timestamp()
        AND NOT EXISTS (SELECT FROM pgimport._job_backends(q.job_id))
    ORDER BY q.lease_until;

    RETURN QUERY
    SELECT
        'dead jobs of the queue',
        'warning',
        format('job %s: %s', q.job_id, left(q.last_message, 200)),
        format('given up after %s', pgimport._count_of(q.attempts, 'attempt')),
        format('SELECT pgimport.submit_job(%L);   -- when the cause is mended', q.job_id)
    FROM pgimport.job_queue AS q
    INNER JOIN pgimport.job AS j ON j.job_id = q.job_id
    WHERE q.state = 'dead'
        AND j.status IN ('failed', 'inserting')
        AND NOT EXISTS (
            SELECT FROM pgimport.job_queue AS l
            WHERE l.job_id = q.job_id AND l.queue_no > q.queue_no
        )
    ORDER BY q.queue_no DESC
    LIMIT 10;
END;
$_doctor_queue$;

COMMENT ON FUNCTION pgimport._doctor_queue(interval) IS
'internal: jobs that wait for workers, leases that are over, dead jobs, for doctor().';
