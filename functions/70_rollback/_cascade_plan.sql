-- What depends on the rows of a query, for a plan. dependents: one element a foreign key by which
-- rows were found, {table, constraint, count, on_delete, depth, by_jobs, by_others, jobs[]}. depth:
-- 1 for rows that refer to those of the query, more for rows that refer to them; the least, where a
-- key was met at several. by_jobs: rows that completed jobs inserted, jobs: their ids, newest
-- first; by_others: all others, which people added. A key of a table that the caller may not read
-- and whose rows the database would delete or change by itself is an element without counts:
-- nobody knows what would happen. Where rows of any depth are asked for, each is counted once, by
-- the key through which it is deleted first. cascaded: rows to be deleted with those of the query.
-- Called by _dependents and _cascade.
CREATE OR REPLACE FUNCTION pgimport._cascade_plan(
    p_relation regclass,
    p_doomed text,
    p_follow text,
    OUT dependents jsonb,
    OUT warnings jsonb,
    OUT cascaded bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_cascade_plan$
DECLARE
    c_most_jobs CONSTANT integer := 100;
BEGIN
    dependents := '[]'::jsonb;
    warnings := '[]'::jsonb;
    cascaded := 0;
    IF NOT EXISTS (
        SELECT FROM pgimport._cascade_edges(
            ARRAY(SELECT r::oid FROM pgimport._table_tree(p_relation) AS r)
        )
    ) THEN
        RETURN;
    END IF;

    WITH hit AS MATERIALIZED (
        SELECT h.* FROM pgimport._cascade_rows(p_relation, p_doomed, p_follow) AS h
        WHERE h.depth > 0
    ),

    -- also the keys whose rows could not be looked for
    edge AS MATERIALIZED (
        SELECT e.*
        FROM pgimport._cascade_edges(ARRAY(
            SELECT r::oid FROM pgimport._table_tree(p_relation) AS r
            UNION
            SELECT r::oid
            FROM hit AS h
            INNER JOIN pg_constraint AS k ON k.oid = h.constraint_oid
            CROSS JOIN LATERAL pgimport._table_tree(k.conrelid) AS r
            WHERE h.rels IS NOT NULL AND p_follow <> 'none' AND k.confdeltype IN ('a', 'r', 'c')
        )) AS e
    ),

    found AS MATERIALIZED (
        SELECT
            q.constraint_oid, q.depth, q.rel, q.tid, q.is_followed, j.job_id, j.completed_at
        FROM (
            SELECT
                h.constraint_oid, h.depth, u.rel, u.tid, u.job_id, e.is_followed, e.target_ids,
                -- what is deleted is deleted once, and what is deleted is not changed
                CASE WHEN p_follow <> 'none' THEN row_number() OVER (
                    PARTITION BY u.rel, u.tid
                    ORDER BY e.is_followed DESC, h.depth, e.child::text, e.name
                ) END AS turn
            FROM hit AS h
            INNER JOIN edge AS e ON e.constraint_oid = h.constraint_oid
            CROSS JOIN LATERAL unnest(h.rels, h.tids, h.job_ids) AS u (rel, tid, job_id)
        ) AS q
        LEFT JOIN pgimport.job AS j
            ON j.job_id = q.job_id
                AND j.status IN ('completed', 'inserting')
                AND j.target_id = ANY (q.target_ids)
        WHERE coalesce(q.turn, 1) = 1
    ),

    element AS (
        SELECT
            e.*,
            e.parent IN (SELECT r FROM pgimport._table_tree(p_relation) AS r) AS is_direct,
            coalesce(f.depth, 1) AS depth,
            CASE WHEN e.is_readable THEN f.rows END AS rows,
            CASE WHEN e.is_readable THEN f.by_jobs END AS by_jobs,
            (
                SELECT coalesce(jsonb_agg(q.job_id ORDER BY q.completed_at DESC, q.job_id DESC), '[]')
                FROM (
                    SELECT DISTINCT w.job_id, w.completed_at
                    FROM found AS w
                    WHERE w.constraint_oid = e.constraint_oid AND w.job_id IS NOT NULL
                    ORDER BY w.completed_at DESC, w.job_id DESC
                    LIMIT c_most_jobs
                ) AS q
            ) AS jobs
        FROM edge AS e
        LEFT JOIN (
            SELECT
                w.constraint_oid, min(w.depth) AS depth, count(*) AS rows, count(w.job_id) AS by_jobs
            FROM found AS w
            GROUP BY w.constraint_oid
        ) AS f ON f.constraint_oid = e.constraint_oid
    )

    SELECT
        (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'table', e.child::text,
                'constraint', e.name,
                'count', e.rows,
                'on_delete', e.on_delete,
                'depth', e.depth,
                'by_jobs', e.by_jobs,
                'by_others', e.rows - e.by_jobs,
                'jobs', e.jobs
            ) ORDER BY e.depth, e.child::text, e.name), '[]')
            FROM element AS e
            WHERE e.rows > 0
                OR NOT e.is_readable AND e.on_delete IN ('cascade', 'set null', 'set default')
        ),
        (
            SELECT coalesce(jsonb_agg(
                format('table %s refers to %s%s', e.child,
                    CASE WHEN e.is_direct THEN 'this one' ELSE e.parent::text END, w.text)
                ORDER BY e.child::text, e.name, w.place
            ), '[]')
            FROM element AS e
            CROSS JOIN LATERAL (
                VALUES
                (1, ' without an index: a rollback would be slow; ' || e.index_ddl),
                (2, CASE WHEN NOT e.is_readable THEN format(
                    '; role "%s" may not read it: its rows cannot be counted', current_user
                ) END),
                (3, CASE WHEN e.is_readable AND row_security_active(e.child) THEN format(
                    '; row-level security hides rows of it from role "%s", which are not counted',
                    current_user
                ) END)
            ) AS w (place, text)
            WHERE w.text IS NOT NULL
        ),
        (SELECT count(*) FROM found AS f WHERE f.is_followed)
    INTO dependents, warnings, cascaded;
END;
$_cascade_plan$;

COMMENT ON FUNCTION pgimport._cascade_plan(regclass, text, text) IS
'internal: what depends on the rows of a query, directly or through others, for a plan.';
