-- Tells whether an error may be gone when a job is run again: a connection, memory or disk, a lock,
-- a deadlock, a statement that was cancelled or a server that was stopped; also a limit of jobs
-- running at once, and a worker that vanished.
-- Called by _give_back and by the client's worker.
CREATE OR REPLACE FUNCTION pgimport._is_temporary(
    p_sqlstate text
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN coalesce(
    left(p_sqlstate, 2) IN ('08', '40', '53', '58')
    OR left(p_sqlstate, 3) = '57P'
    OR p_sqlstate IN ('55P03', '57014', 'PI105', 'PI605'),
    false
);

COMMENT ON FUNCTION pgimport._is_temporary(text) IS
'internal: whether a job that failed with this SQLSTATE is tried again by itself.';
