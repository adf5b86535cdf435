-- What must be true of the records of jobs: one row a rule, with the jobs or tables that break it.
-- Called by verify_install. Reads no target.
CREATE OR REPLACE FUNCTION pgimport._job_checks()
RETURNS TABLE (invariant text, name text, broken text[], hint text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_job_checks$
BEGIN
    RETURN QUERY
    WITH step AS (
        SELECT
            e.job_id, e.event_id, e.from_status, e.to_status,
            lag(e.to_status) OVER (PARTITION BY e.job_id ORDER BY e.event_id) AS status_before,
            lead(e.event_id) OVER (PARTITION BY e.job_id ORDER BY e.event_id) IS NULL AS is_last
        FROM pgimport.job_event AS e
        WHERE e.to_status IS NOT NULL
    ),

    staged AS (
        SELECT c.relname::text AS name,
            format('%s-%s-%s-%s-%s',
                substr(c.relname, 5, 8), substr(c.relname, 13, 4), substr(c.relname, 17, 4),
                substr(c.relname, 21, 4), substr(c.relname, 25, 12)) AS job_id
        FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relkind IN ('r', 'p')
            AND c.relname ~ '^job_[0-9a-f]{32}(_|$)'
    )

    SELECT
        'I1', 'a completed job says what it wrote, any other has written nothing',
        ARRAY(
            SELECT j.job_id::text FROM pgimport.job AS j
            WHERE (j.status IN ('completed', 'rolled_back')) <> EXISTS (
                SELECT FROM pgimport.job_write AS w WHERE w.job_id = j.job_id
            )
            ORDER BY j.job_id
        ),
        'look at the job with pgimport.get_job(job_id)'
    UNION ALL
    SELECT
        'I2', 'each staged row of a completed job is in exactly one class',
        ARRAY(
            SELECT j.job_id::text FROM pgimport.job AS j
            WHERE j.status IN ('completed', 'rolled_back')
                AND j.total_rows IS DISTINCT FROM
                j.rows_inserted + j.rows_updated + j.rows_skipped + j.rows_rejected
            ORDER BY j.job_id
        ),
        'look at the job with pgimport.get_job(job_id)'
    UNION ALL
    SELECT
        'I3', 'rows parsed = rows staged',
        ARRAY(
            SELECT format('%s file %s', f.job_id, f.file_no) FROM pgimport.file AS f
            WHERE f.rows_parsed <> f.rows_staged
            ORDER BY f.job_id, f.file_no
        ),
        'stage the file again with the option "file_no"'
    UNION ALL
    SELECT
        'I4', 'the log replays to the status of each job, along allowed edges',
        ARRAY(
            SELECT j.job_id::text FROM pgimport.job AS j
            WHERE NOT EXISTS (
                SELECT FROM step AS s
                WHERE s.job_id = j.job_id AND s.is_last AND s.to_status = j.status
            ) OR EXISTS (
                SELECT FROM step AS s
                WHERE s.job_id = j.job_id
                    AND s.from_status IS NOT NULL
                    AND (
                        s.from_status IS DISTINCT FROM s.status_before
                        OR NOT pgimport._is_edge(s.from_status, s.to_status)
                    )
            )
            ORDER BY j.job_id
        ),
        'somebody wrote to the tables of pgimport past its triggers'
    UNION ALL
    SELECT
        'I18', 'no staging without its job',
        ARRAY(
            SELECT s.name FROM staged AS s
            WHERE NOT EXISTS (
                SELECT FROM pgimport.job AS j
                WHERE j.job_id::text = s.job_id AND j.status <> 'cancelled'
            )
            ORDER BY s.name
        ),
        'DROP TABLE pgimport_staging.…'
    UNION ALL
    SELECT
        'I18', 'no job without its staging',
        ARRAY(
            SELECT format('%s file %s', f.job_id, f.file_no)
            FROM pgimport.file AS f
            INNER JOIN pgimport.job AS j ON j.job_id = f.job_id
            WHERE f.status = 'staged'
                AND j.status IN ('staging', 'staged', 'checked', 'failed')
                AND NOT EXISTS (SELECT FROM staged AS s WHERE s.name = f.staging_table)
            ORDER BY f.job_id, f.file_no
        ),
        'select pgimport.check_job(job_id): it says staging_lost; then stage the files again'
    UNION ALL
    SELECT
        'I29', 'every failed job says why',
        ARRAY(
            SELECT j.job_id::text FROM pgimport.job AS j
            WHERE j.status = 'failed'
                AND (j.error_sqlstate IS NULL OR j.error_message IS NULL)
            ORDER BY j.job_id
        ),
        'look at the job with pgimport.job_events(job_id)';
END;
$_job_checks$;

COMMENT ON FUNCTION pgimport._job_checks() IS
'internal: what must be true of the records of jobs, and which break it.';
