-- The history: jobs that the caller may see, newest first, page by page: p_after is the last
-- job_id of the page before. Filters: target (its name or schema.table, dropped targets too),
-- status (one or a list), tenant, actor (or role), role (the owner's), source, since and until (of
-- creation; until is exclusive), file_name (a part of it, capitals or not), deleted (true: only
-- deleted jobs, false: only others).
-- Each filter has an index: a page costs the jobs on it, not the jobs there are. Names of files are
-- looked through one by one.
-- Called by users. Raises PI002, PI003, PI201.
CREATE OR REPLACE FUNCTION pgimport.list_jobs(
    p_filter jsonb DEFAULT '{}',
    p_after uuid DEFAULT NULL,
    p_limit integer DEFAULT 50
)
RETURNS TABLE (
    job_id uuid,
    target_name text,
    target text,
    status text,
    actor text,
    owner_role text,
    tenant text,
    source text,
    source_info text,
    files bigint,
    file_names text[],
    total_rows bigint,
    invalid_rows bigint,
    internal_duplicates bigint,
    database_duplicates bigint,
    clean_rows bigint,
    rows_inserted bigint,
    rows_updated bigint,
    rows_skipped bigint,
    rows_rejected bigint,
    rows_deleted bigint,
    rows_restored bigint,
    rows_kept bigint,
    partial_rollbacks integer,
    redone integer,
    created_at timestamptz,
    completed_at timestamptz,
    finished_at timestamptz,
    rollback_until timestamptz,
    rolled_back_at timestamptz,
    rolled_back_by text,
    deleted_at timestamptz,
    error_message text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET jit = off
-- each filter is planned for what it asks
SET plan_cache_mode = force_custom_plan
AS $list_jobs$
#variable_conflict use_column
DECLARE
    c_few CONSTANT integer := 5000;
    v_filter jsonb := coalesce(nullif(p_filter, 'null'), '{}');
    v_targets bigint [];
    v_statuses text[];
    -- jobs with such a file, and whether they are so many that one is soon found
    v_named uuid[];
    v_common boolean := false;
BEGIN
    PERFORM pgimport._check_job_filter(v_filter);
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_limit" must be between 1 and 10000, not %s', coalesce(p_limit::text, 'null')
            ),
            HINT = 'Page on with p_after, the last job_id of the page before.';
    END IF;
    IF v_filter ? 'target' THEN
        SELECT array_agg(t.target_id)
        INTO v_targets
        FROM pgimport.target AS t
        WHERE v_filter ->> 'target' IN (
                t.name,
                format('%s.%s', t.schema_name, t.table_name),
                format('%I.%I', t.schema_name, t.table_name)
            );
        IF v_targets IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI201',
                MESSAGE = format('target "%s" was never registered', v_filter ->> 'target'),
                HINT = 'select * from pgimport.list_targets();';
        END IF;
    END IF;
    v_statuses := ARRAY(SELECT jsonb_array_elements_text(
        CASE jsonb_typeof(v_filter -> 'status')
            WHEN 'array' THEN v_filter -> 'status'
            ELSE jsonb_build_array(v_filter -> 'status')
        END
    ));

    IF v_filter ? 'file_name' THEN
        v_named := ARRAY(
            SELECT s.job_id FROM pgimport.file AS s
            WHERE strpos(lower(s.file_name), lower(v_filter ->> 'file_name')) > 0
            LIMIT c_few + 1
        );
        v_common := cardinality(v_named) > c_few;
    END IF;

    RETURN QUERY
    SELECT
        j.job_id, t.name, format('%I.%I', t.schema_name, t.table_name), j.status, j.actor,
        j.owner_role, j.tenant, j.source, j.source_info, f.files, f.file_names, j.total_rows,
        j.invalid_rows, j.internal_duplicates, j.database_duplicates, j.clean_rows,
        j.rows_inserted, j.rows_updated, j.rows_skipped, j.rows_rejected, j.rows_deleted,
        j.rows_restored, j.rows_kept, j.partial_rollbacks, j.redone, j.created_at, j.completed_at,
        j.finished_at, j.rollback_until, j.rolled_back_at,
        j.rolled_back_by, j.deleted_at, j.error_message
    FROM (
        SELECT q.*
        FROM pgimport.job AS q
        WHERE (p_after IS NULL OR q.job_id < p_after)
            AND (v_targets IS NULL OR q.target_id = ANY (v_targets))
            AND (v_filter ->> 'status' IS NULL OR q.status = ANY (v_statuses))
            AND (v_filter ->> 'tenant' IS NULL OR q.tenant = v_filter ->> 'tenant')
            AND (v_filter ->> 'actor' IS NULL OR v_filter ->> 'actor' IN (q.actor, q.owner_role))
            AND (v_filter ->> 'role' IS NULL OR q.owner_role = v_filter ->> 'role')
            AND (v_filter ->> 'source' IS NULL OR q.source = v_filter ->> 'source')
            AND (
                v_filter ->> 'since' IS NULL
                OR q.created_at >= (v_filter ->> 'since')::timestamptz
            )
            AND (
                v_filter ->> 'until' IS NULL
                OR q.created_at < (v_filter ->> 'until')::timestamptz
            )
            AND (
                v_filter ->> 'deleted' IS NULL
                OR (q.deleted_at IS NOT NULL) = (v_filter ->> 'deleted')::boolean
            )
            AND (v_named IS NULL OR v_common OR q.job_id = ANY (v_named))
            AND (NOT v_common OR EXISTS (
                SELECT FROM pgimport.file AS s
                WHERE s.job_id = q.job_id
                    AND strpos(lower(s.file_name), lower(v_filter ->> 'file_name')) > 0
                -- looked for job by job, not in all files before
                OFFSET 0
            ))
        ORDER BY q.job_id DESC
        LIMIT p_limit
    ) AS j
    INNER JOIN pgimport.target AS t ON t.target_id = j.target_id
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS files,
            coalesce(
                array_agg(f.file_name ORDER BY f.file_no) FILTER (WHERE f.file_no <= 10), '{}'
            ) AS file_names
        FROM pgimport.file AS f
        WHERE f.job_id = j.job_id
    ) AS f
    ORDER BY j.job_id DESC;
END
$list_jobs$;

COMMENT ON FUNCTION pgimport.list_jobs(jsonb, uuid, integer) IS
'Lists jobs, newest first, page by page (p_after: last job_id of the page before). Filters: '
'target, status, tenant, actor, role, source, since, until, file_name, deleted. '
'Example: select * from pgimport.list_jobs(''{"target": "codes", "status": "completed"}'')';
