-- What is in schema pgimport_staging, by job: what was staged and made of it, what a rollback reads
-- (before-images, fingerprints), how large it is, and whether it may go. A finished job is one that
-- is completed, rolled back, cancelled or failed; it is that since its status was changed last, or
-- some of its rows were rolled back.
-- Called by run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._leavings(
    p_staged_rows interval,
    p_job_id uuid DEFAULT NULL
)
RETURNS TABLE (
    job_id uuid,
    staged_bytes bigint,
    proof_bytes bigint,
    staged_why text,
    proof_why text,
    tables integer
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_leavings$
BEGIN
    RETURN QUERY
    -- to measure these would be to wait for them
    WITH locked AS MATERIALIZED (
        SELECT k.relation FROM pg_locks AS k
        WHERE k.relation IS NOT NULL
            AND k.mode = 'AccessExclusiveLock'
            AND k.pid <> pg_backend_pid()
    ),

    left_over AS MATERIALIZED (
        SELECT
            substring(c.relname FROM '^job_([0-9a-f]{32})')::uuid AS of_job,
            coalesce(sum(
                CASE WHEN c.oid NOT IN (SELECT k.relation FROM locked AS k)
                    THEN pgimport._bytes_of(c.oid) END
            ) FILTER (WHERE c.relname !~ '_(print|image)$'), 0)::bigint AS staged,
            coalesce(sum(
                CASE WHEN c.oid NOT IN (SELECT k.relation FROM locked AS k)
                    THEN pgimport._bytes_of(c.oid) END
            ) FILTER (WHERE c.relname ~ '_(print|image)$'), 0)::bigint AS proof,
            bool_or(c.relname !~ '_(print|image|count)$') AS has_staged,
            bool_or(c.relname ~ '_(print|image)$') AS has_proof,
            count(*)::integer AS tables
        FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relkind IN ('r', 'p', 'v', 'S')
            AND c.relname ~ '^job_[0-9a-f]{32}'
            AND starts_with(c.relname, pgimport._staging_name(p_job_id))
        GROUP BY 1
    )
    SELECT
        l.of_job,
        -- the counter goes with the last of the rest
        CASE WHEN l.has_staged OR NOT l.has_proof THEN l.staged END,
        CASE WHEN l.has_proof THEN l.proof END,
        CASE
            WHEN j.status NOT IN ('completed', 'rolled_back', 'cancelled', 'failed')
                THEN 'the job is not finished'
            WHEN p_staged_rows IS NULL THEN 'kept for ever'
            WHEN d.last_at > clock_timestamp() - p_staged_rows
                THEN format('finished less than %s ago', p_staged_rows)
        END,
        CASE
            WHEN j.status = 'completed' AND j.rollback_disabled_at IS NULL
                AND coalesce(j.rollback_until, 'infinity') >= statement_timestamp()
                THEN 'a rollback is open'
            WHEN j.status = 'rolled_back' AND j.rollback_soft
                AND coalesce(j.rollback_until, 'infinity') >= statement_timestamp()
                THEN 'a redo is open'
            WHEN j.status = 'rolled_back' AND l.has_staged
                AND (p_staged_rows IS NULL OR d.last_at > clock_timestamp() - p_staged_rows)
                THEN 'a redo is open'
            WHEN j.status NOT IN ('completed', 'rolled_back', 'cancelled')
                THEN 'the job is not finished'
        END,
        l.tables
    FROM left_over AS l
    INNER JOIN pgimport.job AS j ON j.job_id = l.of_job
    CROSS JOIN LATERAL (
        SELECT greatest(
            j.created_at, j.completed_at, j.finished_at, j.rolled_back_at,
            (
                SELECT max(e.happened_at) FROM pgimport.job_event AS e
                WHERE e.job_id = j.job_id AND e.event IN ('status', 'rollback', 'redo')
            )
        ) AS last_at
    ) AS d
    ORDER BY 1;
END;
$_leavings$;

COMMENT ON FUNCTION pgimport._leavings(interval, uuid) IS
'internal: what is left of each job in schema pgimport_staging, and why it is kept.';

-- Frees what jobs have left: staged rows, before-images and fingerprints, counters; job by job,
-- each locked against every act on it; what somebody uses at this moment is left for the next time.
-- Called by run_maintenance. Returns {removed: [{…}], kept: [{…}], remaining}.
CREATE OR REPLACE FUNCTION pgimport._maintain_jobs(
    p_staged_rows interval,
    p_jobs integer,
    p_dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_maintain_jobs$
DECLARE
    c_enough CONSTANT text := 'enough for one run: the next one goes on';
    v_sums jsonb := '{}'::jsonb;
    v_key text;
    v_left integer := p_jobs;
    -- each is locked, with its indexes and TOAST table, until the end of the transaction
    v_tables integer := current_setting('max_locks_per_transaction')::integer
        * current_setting('max_connections')::integer / 8;
    v_rows bigint;
    r_job record;
BEGIN
    FOR r_job IN
        SELECT l.job_id, l.tables, k.kind, k.bytes, k.why
        FROM pgimport._leavings(p_staged_rows) AS l
        CROSS JOIN LATERAL (
            VALUES
            ('staged_rows', l.staged_bytes, l.staged_why),
            ('rollback_data', l.proof_bytes, l.proof_why)
        ) AS k (kind, bytes, why)
        WHERE k.bytes IS NOT NULL
        ORDER BY l.job_id, k.kind
    LOOP
        v_rows := 0;
        IF r_job.why IS NULL AND (v_left = 0 OR v_tables < r_job.tables AND v_left < p_jobs) THEN
            r_job.why := c_enough;
        ELSIF r_job.why IS NULL THEN
            SELECT coalesce(sum(f.rows_staged), 0) INTO v_rows FROM pgimport.file AS f
            WHERE r_job.kind = 'staged_rows' AND f.job_id = r_job.job_id AND f.status = 'staged';
            IF NOT p_dry_run THEN
                r_job.why := pgimport._free_job(r_job.job_id, r_job.kind, p_staged_rows);
            END IF;
            IF r_job.why IS NULL THEN
                v_left := v_left - 1;
                v_tables := v_tables - r_job.tables;
            END IF;
        END IF;
        v_key := concat(r_job.kind, ' ', r_job.why);
        v_sums := v_sums || jsonb_build_object(v_key, jsonb_build_object(
            'kind', r_job.kind,
            'why', r_job.why,
            'jobs', coalesce((v_sums #>> ARRAY[v_key, 'jobs'])::bigint, 0) + 1,
            'rows', coalesce((v_sums #>> ARRAY[v_key, 'rows'])::bigint, 0) + v_rows,
            'bytes', coalesce((v_sums #>> ARRAY[v_key, 'bytes'])::bigint, 0) + r_job.bytes
        ));
    END LOOP;

    RETURN (
        SELECT jsonb_build_object(
            'removed', coalesce(
                jsonb_agg(s.value - 'why' ORDER BY s.key)
                FILTER (WHERE s.value ->> 'why' IS NULL), '[]'
            ),
            'kept', coalesce(
                jsonb_agg(s.value - 'rows' ORDER BY s.key)
                FILTER (WHERE s.value ->> 'why' IS NOT NULL), '[]'
            ),
            'remaining', coalesce(bool_or(s.value ->> 'why' = c_enough), false)
        )
        FROM jsonb_each(v_sums) AS s
    );
END;
$_maintain_jobs$;

COMMENT ON FUNCTION pgimport._maintain_jobs(interval, integer, boolean) IS
'internal: frees staged rows of finished jobs and what closed rollbacks do not need any more.';

-- Frees one kind of what a job has left, with the job locked, if it may still go. Returns null, or
-- why it did not.
-- The last of it takes the job's counter with it. Called by _maintain_jobs.
CREATE OR REPLACE FUNCTION pgimport._free_job(
    p_job_id uuid,
    p_kind text,
    p_staged_rows interval
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_free_job$
DECLARE
    c_name CONSTANT text := pgimport._staging_name(p_job_id);
    c_in_use CONSTANT text := 'in use by another session';
    v_name text;
    v_detail text;
BEGIN
    PERFORM FROM pgimport.job AS j WHERE j.job_id = p_job_id FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR NOT pg_try_advisory_xact_lock(pgimport._run_key(p_job_id)) THEN
        RETURN c_in_use;
    END IF;
    -- it may have been redone since it was looked at
    IF NOT EXISTS (
        SELECT FROM pgimport._leavings(p_staged_rows, p_job_id) AS l
        WHERE CASE p_kind WHEN 'staged_rows' THEN l.staged_why ELSE l.proof_why END IS NULL
    ) THEN
        RETURN c_in_use;
    END IF;

    IF p_kind = 'staged_rows' THEN
        PERFORM pgimport._free_staging(p_job_id);
    ELSE
        PERFORM pgimport._log_event(p_job_id, 'rollback_data_cleared', '{"by": "retention"}');
    END IF;
    FOR v_name IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND starts_with(c.relname, c_name)
            AND c.relkind IN ('r', 'p', 'v', 'S')
            AND CASE p_kind WHEN 'staged_rows' THEN c.relname !~ '_(print|image|count)$'
                ELSE c.relname ~ '_(print|image)$' END
        ORDER BY c.relkind = 'v' DESC, c.relname
    LOOP
        PERFORM pgimport._drop_staged(v_name);
    END LOOP;
    IF NOT EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND starts_with(c.relname, c_name)
            AND c.relkind IN ('r', 'p')
    ) THEN
        PERFORM pgimport._drop_staged(c_name || '_count');
    END IF;
    RETURN NULL;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN c_in_use;
    WHEN dependent_objects_still_exist THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        RETURN split_part(v_detail, E'\n', 1);
END;
$_free_job$;

COMMENT ON FUNCTION pgimport._free_job(uuid, text, interval) IS
'internal: frees the staged rows of one job, or what its rollback would have read.';

-- Frees the staged rows of a finished job and writes that into its log. The job stays what it is.
-- Called by _free_job.
CREATE OR REPLACE FUNCTION pgimport._free_staging(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_free_staging$
DECLARE
    v_rows bigint;
    v_files bigint;
BEGIN
    PERFORM pgimport._drop_staging(p_job_id);
    WITH cleared AS (
        UPDATE pgimport.file AS f SET status = 'cleared'
        WHERE f.job_id = p_job_id AND f.status IN ('open', 'staged')
        RETURNING f.rows_staged
    )
    SELECT count(*), coalesce(sum(c.rows_staged), 0) INTO v_files, v_rows FROM cleared AS c;
    IF v_files > 0 THEN
        PERFORM pgimport._log_event(
            p_job_id, 'staging_cleared',
            jsonb_build_object('rows', v_rows, 'files', v_files, 'by', 'retention')
        );
    END IF;
END;
$_free_staging$;

COMMENT ON FUNCTION pgimport._free_staging(uuid) IS
'internal: frees the staged rows of a finished job and logs it.';
