-- The queue for people: jobs that wait, run, are done, dead or cancelled, the last submitted first,
-- page by page. Called by users and the command. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport.list_queue(
    p_filter jsonb DEFAULT '{}',
    p_after bigint DEFAULT NULL,
    p_limit integer DEFAULT 100
)
RETURNS TABLE (
    queue_no bigint,
    job_id uuid,
    target_name text,
    owner_role text,
    status text,
    state text,
    priority integer,
    options jsonb,
    submitted_by text,
    queued_at timestamptz,
    run_after timestamptz,
    attempts integer,
    max_attempts integer,
    worker text,
    fence bigint,
    claimed_at timestamptz,
    heartbeat_at timestamptz,
    lease_until timestamptz,
    last_sqlstate text,
    last_message text,
    finished_at timestamptz
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $list_queue$
#variable_conflict use_column
DECLARE
    v_states text[];
    v_unknown text;
BEGIN
    PERFORM pgimport._require_keys(p_filter, '{state,target,worker}', 'p_filter of list_queue');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format(
                '"p_limit" must be between 1 and 10000, not %s', coalesce(p_limit::text, 'null')
            ),
            HINT = 'Page on with p_after, the last queue_no of the page before.';
    END IF;
    v_states := ARRAY(SELECT jsonb_array_elements_text(
        CASE jsonb_typeof(p_filter -> 'state')
            WHEN 'array' THEN p_filter -> 'state'
            ELSE jsonb_build_array(p_filter -> 'state')
        END
    ));
    SELECT s.state INTO v_unknown
    FROM unnest(v_states) AS s (state)
    WHERE s.state <> ALL ('{waiting,running,done,dead,cancelled}'::text[]);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('no job of the queue is ever "%s"', left(v_unknown, 100)),
            HINT = 'states: waiting, running, done, dead, cancelled';
    END IF;

    RETURN QUERY
    SELECT
        q.queue_no, q.job_id, t.name, j.owner_role, j.status, q.state, q.priority, q.options,
        q.submitted_by, q.queued_at, q.run_after, q.attempts, q.max_attempts, q.worker, q.fence,
        q.claimed_at, q.heartbeat_at, q.lease_until, q.last_sqlstate, q.last_message,
        q.finished_at
    FROM pgimport.job_queue AS q
    INNER JOIN pgimport.job AS j ON j.job_id = q.job_id
    INNER JOIN pgimport.target AS t ON t.target_id = j.target_id
    WHERE (p_after IS NULL OR q.queue_no < p_after)
        AND (p_filter ->> 'state' IS NULL OR q.state = ANY (v_states))
        AND (p_filter ->> 'target' IS NULL OR p_filter ->> 'target' IN (
            t.name, format('%s.%s', t.schema_name, t.table_name)
        ))
        AND (p_filter ->> 'worker' IS NULL OR q.worker = p_filter ->> 'worker')
    ORDER BY q.queue_no DESC
    LIMIT p_limit;
END;
$list_queue$;

COMMENT ON FUNCTION pgimport.list_queue(jsonb, bigint, integer) IS
'Lists the queue, the last submitted first, page by page (p_after: last queue_no of the page '
'before). Filters: state (waiting, running, done, dead, cancelled), target, worker. '
'Example: select * from pgimport.list_queue(''{"state": "running"}'')';
