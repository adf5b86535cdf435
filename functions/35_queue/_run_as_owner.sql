-- Refuses what would outlive the rights of a job's owner in a session that has more of them: code
-- of others that PostgreSQL runs only when the transaction ends, with the rights of the session.
-- Called by _run_as_owner, before and after. Raises PI602.
CREATE OR REPLACE FUNCTION pgimport._refuse_late_code(
    p_owner text,
    p_cursors name[]
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_late_code$
DECLARE
    v_what text;
BEGIN
    SELECT format('cursor "%s" is left open', u.name) INTO v_what
    FROM pg_cursors AS u
    WHERE u.is_holdable AND u.name <> ALL (p_cursors) LIMIT 1;

    -- from version 18 on, deferred triggers run with the rights under which they were called
    IF v_what IS NULL
        AND current_setting('server_version_num')::integer < 180000
        AND EXISTS (
            SELECT FROM pg_roles AS r
            WHERE r.rolname = session_user AND (r.rolsuper OR r.rolbypassrls)
        )
    THEN
        SELECT format('trigger "%s" of table "%s" can be deferred, and belongs to "%s"',
            t.tgname, t.tgrelid::regclass, o.rolname)
        INTO v_what
        FROM pg_trigger AS t
        INNER JOIN pg_class AS c ON c.oid = t.tgrelid
        INNER JOIN pg_roles AS o ON o.oid = c.relowner
        LEFT JOIN pg_constraint AS k ON k.oid = t.tgconstraint
        WHERE t.tgdeferrable
            AND (NOT t.tgisinternal OR k.contype = 'x')
            AND NOT o.rolsuper
        LIMIT 1;
    END IF;

    IF v_what IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI602',
            MESSAGE = format('role "%s" would lend its rights to code of others', session_user),
            DETAIL = v_what,
            HINT = format('let a worker run this job that is a member of "%s" and no superuser',
                p_owner);
    END IF;
END;
$_refuse_late_code$;

COMMENT ON FUNCTION pgimport._refuse_late_code(text, name[]) IS
'internal: raises PI602 when code of others would run at the end of the transaction.';

-- Does a step of a job with the rights of its owner, whoever asks. SET ROLE alone would not do: the
-- triggers, defaults and casts of the owner's table could take the worker's role again. Inside a
-- function SECURITY DEFINER PostgreSQL refuses that. So one is made here that belongs to the owner,
-- is called once and dropped; no other session ever sees it.
-- Called by run_job. Raises PI602, and what check_job and insert_job raise.
CREATE OR REPLACE FUNCTION pgimport._run_as_owner(
    p_job pgimport.job,
    p_act text,
    p_options jsonb,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_run_as_owner$
-- the name is made here, the act is a constant: @plpgsql_check_options: security_warnings = false
DECLARE
    c_name CONSTANT text := 'run_' || replace(gen_random_uuid()::text, '-', '');
    c_role CONSTANT text := current_setting('role');
    c_cursors CONSTANT name[] := ARRAY(
        SELECT u.name::name FROM pg_cursors AS u WHERE u.is_holdable
    );
    v_answer jsonb;
BEGIN
    IF p_job.owner_role = session_user AND p_job.owner_role = current_user THEN
        IF p_act = 'check' THEN
            RETURN pgimport.check_job(p_job.job_id, p_search_path);
        END IF;
        RETURN pgimport.insert_job(p_job.job_id, p_options, p_search_path);
    END IF;

    PERFORM pgimport._refuse_late_code(p_job.owner_role, c_cursors);
    PERFORM set_config('role', p_job.owner_role, true);
    EXECUTE format(
        'CREATE FUNCTION pgimport_staging.%I(uuid, jsonb, text) RETURNS jsonb LANGUAGE sql '
        'SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
        c_name,
        CASE p_act
            WHEN 'check' THEN 'SELECT pgimport.check_job($1, $3)'
            ELSE 'SELECT pgimport.insert_job($1, $2, $3)'
        END
    );
    EXECUTE format('SELECT pgimport_staging.%I($1, $2, $3)', c_name)
    INTO v_answer USING p_job.job_id, p_options, p_search_path;
    EXECUTE format('DROP FUNCTION pgimport_staging.%I(uuid, jsonb, text)', c_name);
    PERFORM set_config('role', c_role, true);
    PERFORM pgimport._refuse_late_code(p_job.owner_role, c_cursors);

    RETURN v_answer;
END;
$_run_as_owner$;

COMMENT ON FUNCTION pgimport._run_as_owner(pgimport.job, text, jsonb, text) IS
'internal: checks or inserts a job with the rights of its owner and no others.';
