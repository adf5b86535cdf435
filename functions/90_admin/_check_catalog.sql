-- What verify_install() reads in the catalog: who owns pgimport's objects, who may use them, how
-- its functions are made, and staging tables that belong to no living job.
-- Called by verify_install(). One row a check; found names what is wrong, at most 20 of it.
CREATE OR REPLACE FUNCTION pgimport._check_catalog()
RETURNS TABLE (
    invariant text,
    message text,
    found text[],
    hint text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_catalog$
DECLARE
    c_schema CONSTANT oid := 'pgimport'::regnamespace;
    c_again CONSTANT text := 'Install pgimport again as its owner (pgimport upgrade).';
    v_owner oid;
    v_owner_name text;
BEGIN
    SELECT n.nspowner, pg_get_userbyid(n.nspowner)
    INTO v_owner, v_owner_name
    FROM pg_namespace AS n
    WHERE n.oid = c_schema;

    RETURN QUERY SELECT
        'version', 'the functions are those that the ledger names',
        ARRAY(
            SELECT format('ledger %s, functions %s', s.version, pgimport.version())
            FROM pgimport.schema_step AS s
            WHERE s.name = 'functions' AND s.version <> pgimport.version()
        ), c_again;

    RETURN QUERY SELECT
        'owner', format('everything in schema "pgimport" belongs to "%s"', v_owner_name),
        ARRAY(
            SELECT format('function %s', p.oid::regprocedure) FROM pg_proc AS p
            WHERE p.pronamespace = c_schema AND p.proowner <> v_owner
            UNION ALL
            SELECT format('relation %s', c.oid::regclass) FROM pg_class AS c
            WHERE c.relnamespace = c_schema AND c.relowner <> v_owner
            LIMIT 20
        ), format('ALTER … OWNER TO %I; or drop what does not belong there.', v_owner_name);

    RETURN QUERY SELECT
        'no_definer', 'no function runs with other rights than the caller''s',
        ARRAY(
            SELECT p.oid::regprocedure::text FROM pg_proc AS p
            WHERE p.pronamespace = c_schema AND p.prosecdef
            ORDER BY 1 LIMIT 20
        ), c_again;

    RETURN QUERY SELECT
        'pinned_path', 'every PL/pgSQL function has its search_path pinned',
        ARRAY(
            SELECT p.oid::regprocedure::text
            FROM pg_proc AS p
            INNER JOIN pg_language AS l ON p.prolang = l.oid
            -- a procedure that commits can have no setting; all it does is to call a function
            WHERE p.pronamespace = c_schema
                AND l.lanname = 'plpgsql'
                AND p.prokind <> 'p'
                AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(p.proconfig, '{}'))
            ORDER BY 1 LIMIT 20
        ), c_again;

    RETURN QUERY SELECT
        'guards', 'the triggers that guard states and logs fire, whatever a session sets',
        ARRAY(
            SELECT format('%s on pgimport.%I', w.trigger_name, w.table_name)
            FROM (
                VALUES
                ('job', 'guard_job'), ('job', 'guard_job_truncate'), ('job', 'log_status'),
                ('job', 'close_queue'), ('job_event', 'guard_event'),
                ('job_event', 'guard_event_row'), ('job_write', 'guard_write'),
                ('row_history', 'guard_history')
            ) AS w (table_name, trigger_name)
            LEFT JOIN pg_trigger AS t
                ON t.tgrelid = to_regclass(format('pgimport.%I', w.table_name))
                    AND t.tgname = w.trigger_name
            WHERE t.tgenabled IS DISTINCT FROM 'A'
            ORDER BY w.table_name, w.trigger_name
        ), c_again;

    RETURN QUERY SELECT
        'no_public', 'PUBLIC has no right in the schemas of pgimport',
        ARRAY(
            SELECT o.name
            FROM (
                SELECT
                    format('function %s', p.oid::regprocedure) AS name,
                    coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
                FROM pg_proc AS p WHERE p.pronamespace = c_schema
                UNION ALL
                SELECT format('relation %s', c.oid::regclass), c.relacl
                FROM pg_class AS c WHERE c.relnamespace = c_schema AND c.relacl IS NOT NULL
                UNION ALL
                SELECT format('schema %s', n.nspname), n.nspacl
                FROM pg_namespace AS n WHERE n.nspname IN ('pgimport', 'pgimport_staging')
            ) AS o
            WHERE EXISTS (SELECT FROM aclexplode(o.acl) AS a WHERE a.grantee = 0)
            ORDER BY 1 LIMIT 20
        ), c_again;

    RETURN QUERY SELECT
        'I21', 'every table of pgimport has row-level security',
        ARRAY(
            SELECT c.oid::regclass::text FROM pg_class AS c
            WHERE c.relnamespace = c_schema AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
                -- pg_partman has just made it, and only its owner has a right on it
                AND NOT (c.relispartition AND c.relacl IS NULL)
            ORDER BY 1 LIMIT 20
        ), c_again;

    -- those who do not see every job cannot tell what belongs to none
    RETURN QUERY SELECT
        'I18', 'no staging without a job, no job whose staging is gone',
        ARRAY(
            SELECT format('%s belongs to no job that needs it', c.oid::regclass)
            FROM pg_class AS c
            WHERE c.relnamespace = 'pgimport_staging'::regnamespace
                AND c.relkind IN ('r', 'p', 'v', 'S')
                AND NOT EXISTS (
                    SELECT FROM pgimport.job AS j
                    WHERE starts_with(c.relname, pgimport._staging_name(j.job_id))
                        AND j.status <> 'cancelled'
                )
            UNION ALL
            SELECT format('file %s of job %s is staged, its table is gone', f.file_no, f.job_id)
            FROM pgimport.file AS f
            INNER JOIN pgimport.job AS j ON f.job_id = j.job_id
            WHERE f.status IN ('open', 'staged')
                AND j.status IN ('staging', 'staged', 'checked', 'queued', 'inserting')
                AND to_regclass(format('pgimport_staging.%I', f.staging_table)) IS NULL
            LIMIT 20
        ), 'DROP the staging tables that are named; stage the files that are named again.'
    WHERE pgimport._is_admin();
END;
$_check_catalog$;

COMMENT ON FUNCTION pgimport._check_catalog() IS
'internal: the checks of verify_install() that read the catalog.';
