-- A new job id: a UUID of version 7, ordered by time down to a quarter of a microsecond, so that
-- the rows of one job form a range and a BRIN index finds them.
-- Called by create_job(). PostgreSQL 18 has uuidv7(); before, it is put together here.
CREATE OR REPLACE FUNCTION pgimport._new_job_id()
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_new_job_id$
DECLARE
    v_job_id uuid;
    v_microseconds bigint;
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        -- not there before 18: only named when it is called
        EXECUTE format('SELECT %I()', 'uuidv7') INTO v_job_id;
        RETURN v_job_id;
    END IF;
    v_microseconds := floor(extract(EPOCH FROM clock_timestamp()) * 1000000);
    -- 48 bits of milliseconds, the version, 12 bits of their fraction; variant and 62 random bits
    RETURN (
        lpad(to_hex(v_microseconds / 1000), 12, '0')
        || '7'
        || lpad(to_hex(v_microseconds % 1000 * 4096 / 1000), 3, '0')
        || right(replace(gen_random_uuid()::text, '-', ''), 16)
    )::uuid;
END
$_new_job_id$;

COMMENT ON FUNCTION pgimport._new_job_id() IS 'internal: a new, time-ordered UUID of version 7.';
