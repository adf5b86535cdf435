-- What happened to a job, in order: every change of its state and every act on it, by whom and
-- from where. started_at: when the statement was sent that did it, so that happened_at less it is
-- what the act took. Where retention has removed the first of it, the first row says so: event
-- events_removed, before happened_at.
-- Called by users. Raises PI001, PI101.
CREATE OR REPLACE FUNCTION pgimport.job_events(
    p_job_id uuid
)
RETURNS TABLE (
    event_id bigint,
    happened_at timestamptz,
    event text,
    from_status text,
    to_status text,
    role_name text,
    actor text,
    application_name text,
    client_address inet,
    details jsonb,
    started_at timestamptz
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $job_events$
#variable_conflict use_column
DECLARE
    v_job pgimport.job;
BEGIN
    v_job := pgimport._read_job(p_job_id);

    -- what is there goes on from what retention has removed
    IF v_job.created_at < pgimport._gone_before('pgimport.job_event') AND NOT EXISTS (
        SELECT FROM pgimport.job_event AS e
        WHERE e.job_id = p_job_id AND e.event = 'created'
    ) THEN
        RETURN QUERY SELECT
            0::bigint, pgimport._gone_before('pgimport.job_event'), 'events_removed',
            NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::inet,
            '{"by": "retention"}'::jsonb, NULL::timestamptz;
    END IF;
    RETURN QUERY
    SELECT
        e.event_id, e.happened_at, e.event, e.from_status, e.to_status, e.role_name, e.actor,
        e.application_name, e.client_address, e.details, e.started_at
    FROM pgimport.job_event AS e
    WHERE e.job_id = p_job_id
    ORDER BY e.event_id;
END
$job_events$;

COMMENT ON FUNCTION pgimport.job_events(uuid) IS
'Lists what happened to a job, in order, by whom and from where. Example: '
'select * from pgimport.job_events(''01890a5d-ac96-774b-bcce-b302099a8057'')';
