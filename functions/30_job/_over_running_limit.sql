-- Whether all slots of a limit that holds for a job are taken at this moment by others: then a
-- worker leaves it for later. It takes none; what begins right afterwards is told by PI605.
-- Called by claim_job. Jobs that a worker has claimed count between their steps, too.
CREATE OR REPLACE FUNCTION pgimport._over_running_limit(
    p_job pgimport.job
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_over_running_limit$
DECLARE
    r_limit record;
BEGIN
    IF NOT EXISTS (SELECT FROM pgimport.job_limit AS l WHERE l.running_jobs IS NOT NULL) THEN
        RETURN false;
    END IF;

    FOR r_limit IN
        SELECT l.limit_id, l.role_name, l.tenant, l.running_jobs
        FROM pgimport._limits_of(p_job) AS l WHERE l.running_jobs IS NOT NULL
    LOOP
        IF r_limit.running_jobs <= greatest(
            (
                SELECT count(DISTINCT h.pid)
                FROM pgimport._holders_of(
                    pgimport._slot_keys(r_limit.limit_id, r_limit.running_jobs)
                ) AS h
                WHERE h.pid <> pg_backend_pid()
            ),
            (
                SELECT count(*)
                FROM pgimport.job_queue AS q
                INNER JOIN pgimport.job AS j ON j.job_id = q.job_id
                WHERE q.state = 'running'
                    AND q.job_id <> p_job.job_id
                    AND q.lease_until > clock_timestamp()
                    AND coalesce(r_limit.role_name = j.owner_role, r_limit.role_name IS NULL)
                    AND coalesce(r_limit.tenant = j.tenant, r_limit.tenant IS NULL)
            )
        ) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END;
$_over_running_limit$;

COMMENT ON FUNCTION pgimport._over_running_limit(pgimport.job) IS
'internal: whether all slots of a limit on running jobs are taken that holds for a job.';
