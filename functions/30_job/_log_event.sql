-- Who acts, as the application calls him: the setting pgimport.actor or, where the owner of the
-- job acts and none is set, the actor for whom the job was made. Called by what writes the log.
CREATE OR REPLACE FUNCTION pgimport._acting(
    p_owner_role text,
    p_actor text
)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN coalesce(
    nullif(current_setting('pgimport.actor', true), ''),
    CASE WHEN p_owner_role = current_user THEN p_actor END
);

COMMENT ON FUNCTION pgimport._acting(text, text) IS
'internal: who acts on a job, as the application calls him.';

-- Writes one line of a job's log.
-- Called by the functions of pgimport for acts that do not change the status.
CREATE OR REPLACE FUNCTION pgimport._log_event(
    p_job_id uuid,
    p_event text,
    p_details jsonb DEFAULT '{}'
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_log_event$
BEGIN
    INSERT INTO pgimport.job_event (job_id, event, actor, details)
    SELECT j.job_id, p_event, pgimport._acting(j.owner_role, j.actor), p_details
    FROM pgimport.job AS j
    WHERE j.job_id = p_job_id;
END;
$_log_event$;

COMMENT ON FUNCTION pgimport._log_event(uuid, text, jsonb) IS
'internal: writes one line of the log of a job.';
