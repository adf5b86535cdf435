-- What verify_install() reads in pgimport's own tables: counts that must add up, and the log of
-- each job, replayed.
-- Called by verify_install(). One row a check; found names what is wrong, at most 20 of it.
CREATE OR REPLACE FUNCTION pgimport._check_jobs()
RETURNS TABLE (
    invariant text,
    message text,
    found text[],
    hint text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_jobs$
DECLARE
    -- of jobs before, retention may have removed the beginning of the log, or all of it
    c_gone CONSTANT timestamptz := pgimport._gone_before('pgimport.job_event');
    c_changed CONSTANT text :=
        'Somebody wrote into pgimport''s tables: select * from pgimport.job_events(job_id);';
BEGIN
    RETURN QUERY SELECT
        'I2', 'each row of a completed job is in exactly one class',
        ARRAY(
            SELECT format('job %s', j.job_id)
            FROM pgimport.job AS j
            WHERE j.status IN ('completed', 'rolled_back')
                AND j.total_rows IS DISTINCT FROM
                j.rows_inserted + j.rows_updated + j.rows_skipped + j.rows_rejected
            ORDER BY j.job_id LIMIT 20
        ), c_changed;

    RETURN QUERY SELECT
        'I3', 'rows parsed equal rows staged in every file, and files add up to their job',
        ARRAY(
            SELECT format('file %s of job %s', f.file_no, f.job_id)
            FROM pgimport.file AS f
            WHERE f.status = 'staged' AND f.rows_parsed IS DISTINCT FROM f.rows_staged
            UNION ALL
            SELECT format('job %s', j.job_id)
            FROM pgimport.job AS j
            INNER JOIN pgimport.file AS f ON j.job_id = f.job_id
            WHERE j.status IN ('checked', 'completed') AND f.status IN ('staged', 'cleared')
            GROUP BY j.job_id, j.total_rows
            HAVING sum(f.rows_staged) <> j.total_rows
            LIMIT 20
        ), c_changed;

    RETURN QUERY SELECT
        'I4', concat(
            'the log of each job leads through allowed steps to its status',
            CASE WHEN c_gone > '-infinity'
                THEN format('; of events before %s, what retention has left', c_gone) END
        ),
        ARRAY(
            SELECT DISTINCT format('job %s', e.job_id)
            FROM (
                SELECT
                    v.job_id, v.from_status, v.to_status, j.status,
                    coalesce(
                        lag(v.to_status) OVER w,
                        CASE WHEN j.created_at < c_gone THEN v.from_status ELSE 'pending' END
                    ) AS before,
                    lead(v.event_id) OVER w IS NULL AS is_last
                FROM pgimport.job_event AS v
                INNER JOIN pgimport.job AS j ON v.job_id = j.job_id
                WHERE v.event = 'status'
                WINDOW w AS (PARTITION BY v.job_id ORDER BY v.event_id)
            ) AS e
            WHERE e.from_status IS DISTINCT FROM e.before
                OR NOT pgimport._is_edge(e.from_status, e.to_status)
                OR (e.is_last AND e.to_status <> e.status)
            UNION
            SELECT format('job %s', j.job_id)
            FROM pgimport.job AS j
            WHERE j.status <> 'pending'
                AND j.created_at >= c_gone
                AND NOT EXISTS (
                    SELECT FROM pgimport.job_event AS v
                    WHERE v.job_id = j.job_id AND v.event = 'status'
                )
            LIMIT 20
        ), c_changed;

    RETURN QUERY SELECT
        'I7', 'every job of which batches are written can be gone on with',
        ARRAY(
            SELECT format('job %s', j.job_id)
            FROM pgimport.job AS j
            WHERE j.status = 'inserting'
                AND (
                    j.batch_after IS NULL
                    OR to_regclass(format(
                        'pgimport_staging.%I', pgimport._staging_name(j.job_id, '_value')
                    )) IS NULL
                )
            ORDER BY j.job_id LIMIT 20
        ), 'What is written of it can be undone: select pgimport.rollback_job(job_id);';

    RETURN QUERY SELECT
        'queue', 'every job that is queued waits in the queue, and none that is over',
        ARRAY(
            SELECT format('job %s', j.job_id)
            FROM pgimport.job AS j
            WHERE j.status IN (
                    'queued', 'completed', 'cancelled', 'rolled_back', 'staging_lost'
                )
                AND (j.status = 'queued') <> EXISTS (
                    SELECT FROM pgimport.job_queue AS q
                    WHERE q.job_id = j.job_id AND q.state IN ('waiting', 'running')
                )
            ORDER BY j.job_id LIMIT 20
        ), c_changed;

    RETURN QUERY SELECT
        'target', 'every registered table is there',
        ARRAY(
            SELECT format('target "%s": table %I.%I', t.name, t.schema_name, t.table_name)
            FROM pgimport.target AS t
            WHERE t.dropped_at IS NULL
                AND to_regclass(format('%I.%I', t.schema_name, t.table_name)) IS NULL
            ORDER BY t.name LIMIT 20
        ), 'select pgimport.drop_target(name); where the table was dropped for good.';
END;
$_check_jobs$;

COMMENT ON FUNCTION pgimport._check_jobs() IS
'internal: the checks of verify_install() that read pgimport''s own tables.';
