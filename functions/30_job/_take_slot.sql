-- The limits that hold for a job: those of its role and tenant, of either, of all. Called by
-- _take_slot, _over_running_limit and _refuse_staged_bytes.
CREATE OR REPLACE FUNCTION pgimport._limits_of(
    p_job pgimport.job
)
RETURNS SETOF pgimport.job_limit
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_limits_of$
BEGIN
    RETURN QUERY
    SELECT l.*
    FROM pgimport.job_limit AS l
    WHERE coalesce(l.role_name = p_job.owner_role, l.role_name IS NULL)
        AND coalesce(l.tenant = p_job.tenant, l.tenant IS NULL)
    ORDER BY l.limit_id;
END;
$_limits_of$;

COMMENT ON FUNCTION pgimport._limits_of(pgimport.job) IS
'internal: the limits that hold for a job.';

-- Whose limit it is, in words. Called wherever a limit is told.
CREATE OR REPLACE FUNCTION pgimport._limit_name(
    p_role_name text,
    p_tenant text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN coalesce(
    nullif(concat_ws(
        ', ',
        CASE WHEN p_role_name IS NOT NULL THEN format('role "%s"', p_role_name) END,
        CASE WHEN p_tenant IS NOT NULL THEN format('tenant "%s"', p_tenant) END
    ), ''), 'all jobs'
);

COMMENT ON FUNCTION pgimport._limit_name(text, text) IS
'internal: whose limit it is, in words.';

-- The keys of the advisory locks that are a limit's slots: a session at work holds one of them.
-- Called by those who take or count slots.
CREATE OR REPLACE FUNCTION pgimport._slot_keys(
    p_limit_id bigint,
    p_slots integer
)
RETURNS bigint[]
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_slot_keys$
BEGIN
    RETURN ARRAY(
        SELECT hashtextextended(format('pgimport limit %s slot %s', p_limit_id, s.no), 0)
        FROM generate_series(1, p_slots) AS s (no)
        ORDER BY s.no
    );
END;
$_slot_keys$;

COMMENT ON FUNCTION pgimport._slot_keys(bigint, integer) IS
'internal: the keys of the advisory locks that are the slots of a limit.';

-- The sessions that hold advisory locks with these keys. Called by those who say who is at work.
CREATE OR REPLACE FUNCTION pgimport._holders_of(
    p_keys bigint[]
)
RETURNS TABLE (
    pid integer,
    lock_key bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_holders_of$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint
    FROM pg_locks AS l
    WHERE l.locktype = 'advisory'
        AND l.granted
        AND l.objsubid = 1
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
        AND (l.classid::bigint << 32) | l.objid::bigint = ANY (p_keys);
END;
$_holders_of$;

COMMENT ON FUNCTION pgimport._holders_of(bigint[]) IS
'internal: the sessions that hold advisory locks with these keys.';

-- Takes a slot of every limit on running jobs that holds for a job, until the transaction ends,
-- however it ends. A session counts once, whatever it does in its transaction.
-- Called where a job is checked, inserted, rolled back or redone. Raises PI605.
CREATE OR REPLACE FUNCTION pgimport._take_slot(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_take_slot$
DECLARE
    v_keys bigint[];
    v_key bigint;
    v_has boolean;
    r_limit record;
BEGIN
    -- nearly always: nobody has set any
    IF NOT EXISTS (SELECT FROM pgimport.job_limit AS l WHERE l.running_jobs IS NOT NULL) THEN
        RETURN;
    END IF;

    FOR r_limit IN
        SELECT l.limit_id, l.role_name, l.tenant, l.running_jobs
        FROM pgimport._limits_of(p_job) AS l WHERE l.running_jobs IS NOT NULL
    LOOP
        v_keys := pgimport._slot_keys(r_limit.limit_id, r_limit.running_jobs);
        v_has := EXISTS (
            SELECT FROM pgimport._holders_of(v_keys) AS h WHERE h.pid = pg_backend_pid()
        );
        FOREACH v_key IN ARRAY v_keys LOOP
            EXIT WHEN v_has;
            v_has := pg_try_advisory_xact_lock(v_key);
        END LOOP;
        IF NOT v_has THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI605',
                MESSAGE = format('job "%s" has to wait: %s of %s at work already, and no more are '
                    'allowed', p_job.job_id, pgimport._count_of(r_limit.running_jobs, 'session'),
                    pgimport._limit_name(r_limit.role_name, r_limit.tenant)),
                DETAIL = format('sessions at work: %s', coalesce(
                    (SELECT string_agg(DISTINCT h.pid::text, ', ')
                    FROM pgimport._holders_of(v_keys) AS h), 'none now')),
                HINT = 'try again when one of them is done, or leave it to a worker: '
                    || format('select pgimport.submit_job(%L);', p_job.job_id);
        END IF;
    END LOOP;
END;
$_take_slot$;

COMMENT ON FUNCTION pgimport._take_slot(pgimport.job) IS
'internal: takes a slot of every limit on running jobs that holds for a job, or raises PI605.';
