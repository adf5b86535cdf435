-- Tells whether a job may go from one status to another. A job is inserting only when a batch of it
-- is in the target: from there it goes on or is rolled back, and cannot fail or be given up.
-- Called by the trigger on pgimport.job and by verify_install(), which replays the events.
CREATE OR REPLACE FUNCTION pgimport._is_edge(
    p_from text,
    p_to text
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE p_from
    WHEN 'pending' THEN p_to IN ('staging', 'staged', 'cancelled')
    WHEN 'staging' THEN p_to IN ('staged', 'failed', 'cancelled', 'staging_lost')
    WHEN 'staged' THEN p_to IN (
            'staging', 'checked', 'queued', 'failed', 'cancelled', 'staging_lost'
        )
    WHEN 'checked' THEN p_to IN (
            'staging', 'staged', 'queued', 'inserting', 'completed', 'failed', 'cancelled',
            'staging_lost'
        )
    WHEN 'queued' THEN p_to IN (
            'staged', 'checked', 'inserting', 'completed', 'failed', 'cancelled', 'staging_lost'
        )
    WHEN 'inserting' THEN p_to IN ('completed', 'rolled_back')
    WHEN 'failed' THEN p_to IN (
            'staging', 'staged', 'checked', 'queued', 'cancelled', 'staging_lost'
        )
    WHEN 'staging_lost' THEN p_to IN ('staging', 'cancelled')
    WHEN 'completed' THEN p_to = 'rolled_back'
    WHEN 'rolled_back' THEN p_to IN ('staged', 'checked')
    ELSE false
END;

COMMENT ON FUNCTION pgimport._is_edge(text, text) IS
'internal: whether a job may go from one status to another.';
