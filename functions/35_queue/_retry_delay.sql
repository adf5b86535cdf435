-- How long a job waits after so many attempts in vain: 10 seconds, doubled each time, 10 minutes at
-- most, give or take a fifth, so that jobs that failed together do not come back together.
-- Called by _give_back.
CREATE OR REPLACE FUNCTION pgimport._retry_delay(
    p_attempts integer
)
RETURNS interval
LANGUAGE sql
VOLATILE
PARALLEL SAFE
RETURN least(
    interval '10 seconds' * 2 ^ least(greatest(p_attempts, 1) - 1, 10) * (0.8 + random() * 0.4),
    interval '10 minutes'
);

COMMENT ON FUNCTION pgimport._retry_delay(integer) IS
'internal: how long a job waits after so many attempts in vain.';
