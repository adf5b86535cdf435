-- What takes space in the schema of the staging and serves nobody: staged rows of finished jobs,
-- before-images and fingerprints of rollbacks that are closed, tables of no job; and files whose
-- unlogged rows a crash has emptied. p_age: how long a job must be finished.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_staging(
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
AS $_doctor_staging$
#variable_conflict use_column
DECLARE
    c_most CONSTANT integer := 10;
    v_tables name[];
    v_bytes bigint;
BEGIN
    RETURN QUERY
    WITH kept AS (
        SELECT l.job_id, l.staged_bytes AS bytes
        FROM pgimport._leavings(p_age) AS l
        WHERE l.staged_bytes IS NOT NULL AND l.staged_why IS NULL
    ),

    largest AS (SELECT k.* FROM kept AS k ORDER BY k.bytes DESC, k.job_id LIMIT c_most)

    SELECT
        'staged rows of finished jobs',
        'warning',
        format('%s of %s', pg_size_pretty((SELECT sum(k.bytes) FROM kept AS k)),
            pgimport._count_of((SELECT count(*) FROM kept AS k), 'job')),
        'retention frees them by itself; without them a job is not redone, and its rows are not '
        'reported',
        format('SELECT pgimport.clear_staging(j) FROM unnest(%L::uuid[]) AS j;',
            array_agg(l.job_id ORDER BY l.job_id))
    FROM largest AS l
    HAVING count(*) > 0;

    RETURN QUERY
    SELECT
        'before-images of closed rollbacks',
        'warning',
        format('%s of %s', pg_size_pretty(sum(l.proof_bytes)),
            pgimport._count_of(count(*), 'job')),
        'nothing reads them any more; the owner of pgimport frees them',
        concat(
            CASE WHEN NOT EXISTS (SELECT FROM pgimport.retention)
                THEN 'SELECT pgimport.enable_retention(); ' END,
            'SELECT pgimport.run_maintenance();'
        )
    FROM pgimport._leavings(p_age) AS l
    INNER JOIN pgimport.job AS j ON j.job_id = l.job_id
    WHERE l.proof_bytes IS NOT NULL
        AND l.proof_why IS NULL
        AND coalesce(j.rolled_back_at, least(j.rollback_disabled_at, j.rollback_until), j.created_at)
        < clock_timestamp() - p_age
    HAVING count(*) > 0;

    -- what belongs to none is only known to those who see every job
    IF pgimport._is_admin() THEN
        SELECT
            array_agg(s.relname ORDER BY s.relname) FILTER (WHERE NOT s.relispartition),
            sum(pgimport._bytes_of(s.oid))
        INTO v_tables, v_bytes
        FROM (
            SELECT
                c.oid, c.relname, c.relispartition,
                CASE WHEN c.relname ~ '^job_[0-9a-f]{32}' THEN substr(c.relname, 5, 32) END AS job
            FROM pg_class AS c
            WHERE c.relnamespace = 'pgimport_staging'::regnamespace AND c.relkind IN ('r', 'p')
        ) AS s
        WHERE NOT EXISTS (SELECT FROM pgimport.job AS j WHERE j.job_id = s.job::uuid);
    END IF;
    IF cardinality(v_tables) > 0 THEN
        RETURN QUERY SELECT
            'staging tables of no job',
            'warning',
            format('%s of %s', pg_size_pretty(v_bytes),
                pgimport._count_of(cardinality(v_tables), 'table')),
            'somebody made them there by hand, or lost the jobs',
            format('DROP TABLE %s;', (
                SELECT string_agg(format('pgimport_staging.%I', n.name), ', ' ORDER BY n.name)
                FROM unnest(v_tables[1:c_most]) AS n (name)
            ));
    END IF;

    RETURN QUERY
    SELECT
        format('staging of job %s', j.job_id),
        'problem',
        format('%s had rows and %s empty', string_agg(format('"%s"', f.file_name), ', '),
            CASE count(*) WHEN 1 THEN 'is' ELSE 'are' END),
        'a crash of the server empties unlogged tables; stage the files again (pgimport retry JOB '
        'PATH), or give the job up as here',
        format('SELECT pgimport.cancel_job(%L, ''staging lost'');', j.job_id)
    FROM pgimport.job AS j
    INNER JOIN pgimport.file AS f ON f.job_id = j.job_id
    INNER JOIN pg_class AS c
        ON c.relnamespace = 'pgimport_staging'::regnamespace AND c.relname = f.staging_table
    WHERE j.status IN ('staging', 'staged', 'checked', 'queued', 'failed')
        AND f.status = 'staged'
        AND f.rows_staged > 0
        AND c.relpersistence = 'u'
        AND NOT EXISTS (SELECT FROM pgimport._job_backends(j.job_id))
        -- an empty one has still the index of its TOAST table; 0: somebody else has it for himself
        AND pgimport._bytes_of(c.oid) > 0
        AND pg_relation_size(c.oid) = 0
    GROUP BY j.job_id
    ORDER BY j.job_id;
END;
$_doctor_staging$;

COMMENT ON FUNCTION pgimport._doctor_staging(interval) IS
'internal: what takes space in the staging and serves nobody, for doctor().';
