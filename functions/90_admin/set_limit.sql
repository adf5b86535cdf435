-- One limit of set_limit() as a number: null where none is asked for.
-- Called by set_limit(). Raises PI003.
CREATE OR REPLACE FUNCTION pgimport._limit_number(
    p_limits jsonb,
    p_key text
)
RETURNS bigint
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_limit_number$
DECLARE
    v_text CONSTANT text := p_limits ->> p_key;
    v_largest CONSTANT bigint := CASE p_key WHEN 'running_jobs' THEN 1000
        ELSE 9223372036854775807 END;
    v_number numeric;
BEGIN
    IF v_text IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(p_limits -> p_key) = 'number' THEN
        v_number := v_text::numeric;
    ELSIF p_key = 'staged_bytes' AND jsonb_typeof(p_limits -> p_key) = 'string'
        AND v_text ~* '^\s*[0-9]{1,15}\s*(bytes|kB|MB|GB|TB)?\s*$'
    THEN
        -- 15 digits of TB are more than a bigint holds
        v_number := substring(v_text FROM '[0-9]+')::numeric
            * CASE lower(substring(v_text FROM '(?i)[a-z]+'))
                WHEN 'kb' THEN 1024 WHEN 'mb' THEN 1048576 WHEN 'gb' THEN 1073741824
                WHEN 'tb' THEN 1099511627776 ELSE 1 END;
    END IF;

    IF v_number IS NULL OR v_number < 0 OR v_number > v_largest OR v_number <> trunc(v_number) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('"%s" must be a whole number from 0 to %s%s', p_key, v_largest,
                CASE p_key WHEN 'staged_bytes' THEN ', or a text such as "10 GB"' ELSE '' END),
            DETAIL = format('It was: %s', left((p_limits -> p_key)::text, 200)),
            HINT = 'null takes the limit away; 0 allows none at all';
    END IF;
    RETURN v_number;
END;
$_limit_number$;

COMMENT ON FUNCTION pgimport._limit_number(jsonb, text) IS
'internal: one limit of set_limit() as a number.';

-- Sets how many jobs a role or a tenant may have under way at once, and how many bytes staged. What
-- is not given stays as it was; null takes a limit away.
-- Called by administrators. Raises PI001, PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport.set_limit(
    p_limits jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $set_limit$
DECLARE
    c_running CONSTANT bigint := pgimport._limit_number(p_limits, 'running_jobs');
    c_staged CONSTANT bigint := pgimport._limit_number(p_limits, 'staged_bytes');
    v_key text;
    v_limit pgimport.job_limit;
BEGIN
    PERFORM pgimport._require_keys(
        p_limits, '{role,tenant,running_jobs,staged_bytes}', 'p_limits of set_limit'
    );
    IF NOT coalesce(p_limits ?| '{running_jobs,staged_bytes}', false) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no limit given: neither "running_jobs" nor "staged_bytes"',
            HINT = 'select pgimport.set_limit(''{"role": "app", "running_jobs": 2}'');';
    END IF;
    FOREACH v_key IN ARRAY '{role,tenant}'::text[] LOOP
        IF jsonb_typeof(p_limits -> v_key) NOT IN ('string', 'null') OR p_limits ->> v_key = '' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('"%s" must be a name', v_key),
                DETAIL = format('It was: %s', left((p_limits -> v_key)::text, 200)),
                HINT = format('leave "%s" out for a limit of all of them together', v_key);
        END IF;
    END LOOP;
    -- a limit on one that is gone can be taken away
    IF coalesce(c_running, c_staged) IS NOT NULL AND p_limits ->> 'role' IS NOT NULL
        AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = p_limits ->> 'role')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('role "%s" does not exist', left(p_limits ->> 'role', 200)),
            HINT = format('CREATE ROLE %I;', left(p_limits ->> 'role', 63));
    END IF;

    DELETE FROM pgimport.job_limit AS l
    WHERE l.role_name IS NOT DISTINCT FROM p_limits ->> 'role'
        AND l.tenant IS NOT DISTINCT FROM p_limits ->> 'tenant'
    RETURNING l.* INTO v_limit;
    v_limit := jsonb_populate_record(v_limit, jsonb_build_object(
        'running_jobs', CASE WHEN p_limits ? 'running_jobs' THEN c_running
            ELSE v_limit.running_jobs END,
        'staged_bytes', CASE WHEN p_limits ? 'staged_bytes' THEN c_staged
            ELSE v_limit.staged_bytes END
    ));
    IF num_nonnulls(v_limit.running_jobs, v_limit.staged_bytes) > 0 THEN
        INSERT INTO pgimport.job_limit (role_name, tenant, running_jobs, staged_bytes)
        VALUES (
            p_limits ->> 'role', p_limits ->> 'tenant', v_limit.running_jobs, v_limit.staged_bytes
        );
    END IF;

    RETURN jsonb_build_object(
        'success', true,
        'job_id', NULL,
        'status', NULL,
        'target', NULL,
        'counts', '{}'::jsonb,
        'message', format('%s: %s', pgimport._limit_name(p_limits ->> 'role', p_limits ->> 'tenant'),
            coalesce(nullif(concat_ws(
                ', ',
                CASE WHEN v_limit.running_jobs IS NOT NULL
                    THEN pgimport._count_of(v_limit.running_jobs, 'job') || ' at once' END,
                pg_size_pretty(v_limit.staged_bytes) || ' staged'
            ), ''), 'no limit')),
        'warnings', '[]'::jsonb,
        'details', '{}'::jsonb,
        'role', p_limits -> 'role',
        'tenant', p_limits -> 'tenant',
        'running_jobs', v_limit.running_jobs,
        'staged_bytes', v_limit.staged_bytes
    );
END;
$set_limit$;

COMMENT ON FUNCTION pgimport.set_limit(jsonb) IS
'Sets how many jobs of a role, a tenant, both or all may be under way at once (running_jobs) and '
'how much they may have staged (staged_bytes, or a text such as "10 GB"); null takes it away. '
'Example: select pgimport.set_limit(''{"role": "app", "running_jobs": 2}'')';
