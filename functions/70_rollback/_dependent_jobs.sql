-- Completed jobs with rows that refer, directly or through others, to rows a rollback would delete,
-- newest first, and how many of their rows do. Rolled back in this order, they leave no dependents
-- but those that people added. The job whose rollback is planned may be among them: by rows of its
-- own that would stay.
-- p_doomed: as that of _dependents. Called by the rollback planner.
CREATE OR REPLACE FUNCTION pgimport._dependent_jobs(
    p_relation regclass,
    p_doomed text
)
RETURNS TABLE (
    job_id uuid,
    rows bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_dependent_jobs$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH hit AS MATERIALIZED (
        SELECT h.* FROM pgimport._cascade_rows(p_relation, p_doomed, 'all') AS h
        WHERE h.job_ids IS NOT NULL
    ),

    edge AS (
        SELECT e.constraint_oid, e.target_ids
        FROM pgimport._cascade_edges(ARRAY(
            SELECT k.confrelid FROM hit AS h INNER JOIN pg_constraint AS k ON k.oid = h.constraint_oid
        )) AS e
    ),

    job_row AS (
        SELECT DISTINCT u.job_id, u.rel, u.tid, e.target_ids
        FROM hit AS h
        INNER JOIN edge AS e ON e.constraint_oid = h.constraint_oid
        CROSS JOIN LATERAL unnest(h.rels, h.tids, h.job_ids) AS u (rel, tid, job_id)
        WHERE u.job_id IS NOT NULL
    )

    SELECT j.job_id, count(*)
    FROM job_row AS r
    INNER JOIN pgimport.job AS j ON j.job_id = r.job_id
    WHERE j.status IN ('completed', 'inserting') AND j.target_id = ANY (r.target_ids)
    GROUP BY j.job_id
    ORDER BY j.completed_at DESC, j.job_id DESC;
END;
$_dependent_jobs$;

COMMENT ON FUNCTION pgimport._dependent_jobs(regclass, text) IS
'internal: completed jobs with rows that refer to rows a rollback would delete, newest first.';
