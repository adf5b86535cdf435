-- Jobs that stand on rows of this one: completed later, they updated rows that it inserted or
-- updated, or inserted rows that refer to them. Newest first, in the order in which they have to be
-- rolled back: [{job_id, target, completed_at, rows, why}], why: updated, dependents or both.
-- p_rewritten: rows of the job were written since; else nobody can have updated any. p_doomed:
-- SELECT of the rows that would be deleted, null where nothing refers to them.
-- Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._later_jobs(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_rewritten boolean,
    p_doomed text
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_later_jobs$
DECLARE
    v_later jsonb := '[]'::jsonb;
    v_rows bigint;
    -- of an insert in batches, the first: another job may have come between it and the last
    v_since timestamptz := CASE WHEN p_job.batch_no IS NULL THEN p_job.completed_at
        ELSE (
            SELECT min(w.written_at) FROM pgimport.job_write AS w
            WHERE w.job_id = p_job.job_id AND w.act = 'insert'
        ) END;
    r_job pgimport.job;
BEGIN
    IF p_rewritten THEN
        FOR r_job IN
            SELECT j.* FROM pgimport.job AS j
            INNER JOIN pgimport.target AS o ON o.target_id = p_job.target_id
            INNER JOIN pgimport.target AS g
                ON g.target_id = j.target_id
                    AND g.schema_name = o.schema_name
                    AND g.table_name = o.table_name
            WHERE j.status IN ('completed', 'inserting')
                AND j.rows_updated > 0
                AND j.job_id <> p_job.job_id
                AND (coalesce(j.completed_at, 'infinity'), j.job_id) > (v_since, p_job.job_id)
        LOOP
            v_rows := pgimport._shared_rows(p_job, p_relation, p_scope, r_job);
            IF v_rows > 0 THEN
                v_later := v_later || jsonb_build_object(
                    'job_id', r_job.job_id, 'rows', v_rows, 'why', 'updated'
                );
            END IF;
        END LOOP;
    END IF;

    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'job_id', l.job_id,
            'target', l.target,
            'completed_at', l.completed_at,
            'rows', l.rows,
            'why', l.why
        ) ORDER BY l.completed_at DESC, l.job_id DESC), '[]')
        FROM (
            SELECT
                j.job_id, t.name AS target, j.completed_at, sum(q.rows) AS rows,
                string_agg(DISTINCT q.why, ' and ') AS why
            FROM (
                SELECT e.job_id, e.rows, e.why
                FROM jsonb_to_recordset(v_later) AS e (job_id uuid, rows bigint, why text)
                UNION ALL
                SELECT d.job_id, d.rows, 'dependents'
                FROM pgimport._dependent_jobs(p_relation, p_doomed) AS d
                WHERE p_doomed IS NOT NULL
            ) AS q
            INNER JOIN pgimport.job AS j ON j.job_id = q.job_id
            INNER JOIN pgimport.target AS t ON t.target_id = j.target_id
            WHERE j.job_id <> p_job.job_id
            GROUP BY j.job_id, t.name, j.completed_at
        ) AS l
    );
END;
$_later_jobs$;

COMMENT ON FUNCTION pgimport._later_jobs(pgimport.job, regclass, record, boolean, text) IS
'internal: jobs that updated rows of a job, or whose rows refer to them.';

-- How many rows that a job inserted or updated were updated by a later one, whose before-images
-- may be another role's: then the rows are just modified. Called by _later_jobs.
CREATE OR REPLACE FUNCTION pgimport._shared_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_later pgimport.job
)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_shared_rows$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_image regclass := to_regclass(format(
        'pgimport_staging.%I', pgimport._staging_name(p_later.job_id, '_image')
    ));
    v_matches text;
    v_rows bigint;
BEGIN
    IF v_image IS NULL OR NOT has_table_privilege(v_image, 'SELECT') THEN
        RETURN 0;
    END IF;
    SELECT s.matches INTO STRICT v_matches
    FROM pgimport._rollback_scope(p_later, p_relation, '{}') AS s;

    EXECUTE format(
        'SELECT count(*) FROM %s AS i WHERE NOT i.undone AND EXISTS (SELECT FROM ('
        'SELECT t.* FROM %s AS t WHERE %s%s) AS t WHERE %s)',
        v_image,
        p_relation,
        p_scope.carries,
        CASE WHEN p_scope.has_image THEN format(
            ' UNION ALL SELECT t.* FROM pgimport_staging.%I AS i INNER JOIN %s AS t ON %s WHERE %s',
            pgimport._staging_name(p_job.job_id, '_image'), p_relation,
            p_scope.matches, p_scope.wanted
        ) END,
        v_matches
    ) INTO v_rows;
    RETURN v_rows;
END;
$_shared_rows$;

COMMENT ON FUNCTION pgimport._shared_rows(pgimport.job, regclass, record, pgimport.job) IS
'internal: how many rows of a job a later one updated.';
