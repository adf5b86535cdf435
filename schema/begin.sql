-- Before everything else, at every install: refuse what must not be touched, then the two schemas
-- and the ledger. The assembled script runs this file with search_path = pg_catalog, pg_temp and
-- says in pgimport.install_mode (plain, extension) and pgimport.install_version what it installs.

DO $begin$
DECLARE
    c_mode CONSTANT text := coalesce(
        nullif(current_setting('pgimport.install_mode', true), ''), 'plain'
    );
    c_version CONSTANT text := nullif(current_setting('pgimport.install_version', true), '');
    v_extension oid;
    v_known text;
    v_schema text;
    r_schema record;
    r_foreign record;
BEGIN
    IF current_setting('server_version_num')::integer < 150000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI905',
            MESSAGE = format(
                'pgimport needs PostgreSQL 15 or later, this is %s',
                current_setting('server_version')
            ),
            HINT = 'Install into a database of a newer server.';
    END IF;

    -- messages hold more than ASCII, and names are compared without their accents
    IF getdatabaseencoding() <> 'UTF8'
        OR (c_mode = 'plain' AND current_setting('client_encoding') <> 'UTF8')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI906',
            MESSAGE = format(
                'pgimport needs UTF8: the database is %s, the client sends %s',
                getdatabaseencoding(), current_setting('client_encoding')
            ),
            HINT = 'SET client_encoding = ''UTF8''; in a database of another encoding pgimport '
                'cannot work';
    END IF;

    -- Two installs at once: the second waits and then finds everything in place.
    PERFORM pg_advisory_xact_lock(hashtextextended('pgimport.install', 0));

    SELECT x.oid INTO v_extension FROM pg_extension AS x WHERE x.extname = 'pgimport';
    IF c_mode = 'plain' AND v_extension IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI901',
            MESSAGE = 'pgimport is installed in this database as an extension',
            DETAIL = 'The plain script would change objects that belong to the extension.',
            HINT = 'Upgrade it with: ALTER EXTENSION pgimport UPDATE;';
    END IF;

    FOREACH v_schema IN ARRAY ARRAY['pgimport', 'pgimport_staging'] LOOP
        SELECT
            n.oid,
            n.nspowner,
            n.nspowner = r.oid AS is_own,
            pg_get_userbyid(n.nspowner) AS owner_name,
            EXISTS (
                SELECT FROM pg_depend AS d
                WHERE
                    d.classid = 'pg_namespace'::regclass AND d.objid = n.oid
                    AND d.refclassid = 'pg_extension'::regclass
                    AND d.refobjid = v_extension AND d.deptype = 'e'
            ) AS is_member
        INTO r_schema
        FROM pg_namespace AS n, pg_roles AS r
        WHERE n.nspname = v_schema AND r.rolname = current_user;

        IF NOT FOUND THEN
            EXECUTE format('CREATE SCHEMA %I', v_schema);
            CONTINUE;
        END IF;
        IF NOT r_schema.is_own THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI902',
                MESSAGE = format(
                    'schema "%s" belongs to role "%s", not to "%s"',
                    v_schema, r_schema.owner_name, current_user
                ),
                DETAIL = 'Its owner could change every function installed into it.',
                HINT = format(
                    'Where "%s" is to own pgimport: SET ROLE %I; and run the script again. '
                    'Else first remove what was prepared: DROP SCHEMA %I CASCADE;',
                    r_schema.owner_name, r_schema.owner_name, v_schema
                );
        END IF;
        IF c_mode = 'extension' AND NOT r_schema.is_member THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI902',
                MESSAGE = format(
                    'schema "%s" is there already and does not belong to the extension', v_schema
                ),
                DETAIL = 'The extension does not take over objects that it did not make.',
                HINT = format(
                    'Upgrade a plain install with the plain script (pgimport upgrade), '
                    'or remove it first: DROP SCHEMA %I CASCADE;', v_schema
                );
        END IF;

        -- Staging tables belong to those who import; in pgimport itself everything has one owner.
        IF v_schema = 'pgimport' THEN
            SELECT o.what, o.name, pg_get_userbyid(o.owner_oid) AS owner_name INTO r_foreign
            FROM (
                SELECT 'relation' AS what, c.relname AS name, c.relowner AS owner_oid
                FROM pg_class AS c WHERE c.relnamespace = r_schema.oid
                UNION ALL
                SELECT 'function', p.proname, p.proowner
                FROM pg_proc AS p WHERE p.pronamespace = r_schema.oid
                UNION ALL
                SELECT 'type', t.typname, t.typowner
                FROM pg_type AS t WHERE t.typnamespace = r_schema.oid
                UNION ALL
                SELECT 'operator', o.oprname, o.oprowner
                FROM pg_operator AS o WHERE o.oprnamespace = r_schema.oid
            ) AS o
            WHERE o.owner_oid <> r_schema.nspowner
            ORDER BY o.what, o.name
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'PI902',
                    MESSAGE = format(
                        '%s "%s" in schema "pgimport" belongs to role "%s", not to "%s"',
                        r_foreign.what, r_foreign.name, r_foreign.owner_name, current_user
                    ),
                    DETAIL = 'Everything in schema "pgimport" must belong to the schema''s owner.',
                    HINT = format(
                        'Drop it, or make it yours: ALTER … OWNER TO %I; '
                        'and run the script again.',
                        current_user
                    );
            END IF;
        END IF;
    END LOOP;

    IF to_regclass('pgimport.schema_step') IS NULL THEN
        CREATE TABLE pgimport.schema_step (
            name text NOT NULL,
            version text NOT NULL,
            sha256 text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            applied_by text NOT NULL DEFAULT current_user,
            CONSTRAINT schema_step_pkey PRIMARY KEY (name)
        );
        COMMENT ON TABLE pgimport.schema_step IS
        'Ledger of the install: which schema/ files ran here, when and from which version; '
        'row "functions" says which version the functions are.';
    END IF;

    SELECT s.version INTO v_known FROM pgimport.schema_step AS s WHERE s.name = 'functions';
    IF string_to_array(v_known, '.')::integer [] > string_to_array(c_version, '.')::integer [] THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI904',
            MESSAGE = format(
                'this database has pgimport %s, the script is the older %s', v_known, c_version
            ),
            DETAIL = 'An older version does not know what the newer one has stored.',
            HINT = format('Install with pgimport %s or later.', v_known);
    END IF;
END;
$begin$;
