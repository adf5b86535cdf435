-- Where pg_partman is installed in this database, and of which major version. No row: it is not.
-- Called by enable_retention and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._partman(
    OUT schema_name text,
    OUT major integer
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_partman$
BEGIN
    SELECT n.nspname, split_part(x.extversion, '.', 1)::integer INTO schema_name, major
    FROM pg_extension AS x
    INNER JOIN pg_namespace AS n ON n.oid = x.extnamespace
    WHERE x.extname = 'pg_partman';
END;
$_partman$;

COMMENT ON FUNCTION pgimport._partman() IS
'internal: the schema and the major version of pg_partman, where it is installed.';

-- How pg_partman manages a table now: null where it does not, or is not installed.
-- Called by enable_retention and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._partman_config(
    p_table_name text
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_partman_config$
DECLARE
    v_config jsonb;
    r_partman record := pgimport._partman();
BEGIN
    IF r_partman.schema_name IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'SELECT to_jsonb(c) FROM %I.part_config AS c WHERE c.parent_table = $1',
        r_partman.schema_name
    ) INTO v_config USING 'pgimport.' || p_table_name;
    RETURN v_config;
END;
$_partman_config$;

COMMENT ON FUNCTION pgimport._partman_config(text) IS
'internal: how pg_partman manages a table of pgimport, or null.';

-- Hands an empty table without other partitions than the default one to pg_partman, which makes
-- partitions from p_start on. Named arguments: those of 4.x and 5.x stand in another order. 4.x
-- insists on a default partition of its own making: ours, which belongs to the extension where
-- pgimport is one, stands aside for that moment.
-- Called by enable_retention with the table locked.
CREATE OR REPLACE FUNCTION pgimport._partman_take(
    p_table record,
    p_length interval,
    p_premake integer,
    p_start timestamptz
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
AS $_partman_take$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    c_aside CONSTANT text := p_table.table_name || '_aside';
    c_template CONSTANT text := 'template_pgimport_' || p_table.table_name;
    v_default text;
    r_partman record := pgimport._partman();
BEGIN
    SELECT c.relname INTO STRICT v_default
    FROM pgimport._partitions(p_table.relation) AS p
    INNER JOIN pg_class AS c ON c.oid = p.part
    WHERE p.is_default;
    -- what is like this table has the indexes of the default partition
    IF to_regclass(format('%I.%I', r_partman.schema_name, c_template)) IS NOT NULL THEN
        EXECUTE format('DROP TABLE %I.%I', r_partman.schema_name, c_template);
    END IF;
    EXECUTE format(
        'CREATE TABLE %I.%I (LIKE pgimport.%I INCLUDING INDEXES)',
        r_partman.schema_name, c_template, v_default
    );
    IF r_partman.major < 5 THEN
        EXECUTE format('ALTER TABLE %s DETACH PARTITION pgimport.%I', p_table.relation, v_default);
        EXECUTE format('ALTER TABLE pgimport.%I RENAME TO %I', v_default, c_aside);
    END IF;
    EXECUTE format(
        'SELECT %I.create_parent(p_parent_table => %L, p_control => %L, p_type => %L, '
        'p_interval => %L, p_premake => %s, p_start_partition => %L, p_jobmon => false, '
        'p_template_table => %L%s)',
        r_partman.schema_name,
        'pgimport.' || p_table.table_name,
        p_table.column_name,
        CASE WHEN r_partman.major < 5 THEN 'native' ELSE 'range' END,
        p_length,
        p_premake,
        p_start,
        format('%s.%s', r_partman.schema_name, c_template),
        CASE WHEN r_partman.major >= 5 THEN ', p_default_table => false' END
    );
    IF r_partman.major < 5 THEN
        EXECUTE (
            SELECT format('DROP TABLE %s', p.part)
            FROM pgimport._partitions(p_table.relation) AS p WHERE p.is_default
        );
        EXECUTE format('ALTER TABLE pgimport.%I RENAME TO %I', c_aside, v_default);
        EXECUTE format(
            'ALTER TABLE %s ATTACH PARTITION pgimport.%I DEFAULT', p_table.relation, v_default
        );
    END IF;
END;
$_partman_take$;

COMMENT ON FUNCTION pgimport._partman_take(record, interval, integer, timestamptz) IS
'internal: hands a table of pgimport to pg_partman.';

-- Tells pg_partman for how long to keep rows, and to go on making partitions in a quiet time.
-- Called by enable_retention.
CREATE OR REPLACE FUNCTION pgimport._partman_set(
    p_table_name text,
    p_keep interval,
    p_premake integer
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $_partman_set$
DECLARE
    r_partman record := pgimport._partman();
BEGIN
    EXECUTE format(
        'UPDATE %I.part_config SET retention = $2, retention_keep_table = false, '
        'retention_keep_index = false, retention_schema = NULL, infinite_time_partitions = true, '
        'ignore_default_data = true, inherit_privileges = false, premake = $3 '
        'WHERE parent_table = $1',
        r_partman.schema_name
    ) USING 'pgimport.' || p_table_name, p_keep::text, p_premake;
END;
$_partman_set$;

COMMENT ON FUNCTION pgimport._partman_set(text, interval, integer) IS
'internal: tells pg_partman for how long to keep the rows of a table.';

-- Takes a table out of the hands of pg_partman, where it is installed; its partitions stay.
-- Called by enable_retention.
CREATE OR REPLACE FUNCTION pgimport._partman_release(
    p_table_name text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_partman_release$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_config jsonb := pgimport._partman_config(p_table_name);
    r_partman record := pgimport._partman();
BEGIN
    IF v_config IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('DELETE FROM %I.part_config WHERE parent_table = $1', r_partman.schema_name)
        USING 'pgimport.' || p_table_name;
    IF to_regclass(v_config ->> 'template_table') IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', to_regclass(v_config ->> 'template_table'));
    END IF;
END;
$_partman_release$;

COMMENT ON FUNCTION pgimport._partman_release(text) IS
'internal: takes a table out of the hands of pg_partman.';

-- Lets pg_partman do its maintenance of one table: partitions ahead, old ones dropped.
-- Called by _maintain_partitions.
CREATE OR REPLACE FUNCTION pgimport._partman_run(
    p_table_name text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $_partman_run$
DECLARE
    r_partman record := pgimport._partman();
BEGIN
    EXECUTE format(
        'SELECT %I.run_maintenance(p_parent_table => %L, p_analyze => false, p_jobmon => false)',
        r_partman.schema_name, 'pgimport.' || p_table_name
    );
END;
$_partman_run$;

COMMENT ON FUNCTION pgimport._partman_run(text) IS
'internal: lets pg_partman do its maintenance of one table.';

-- Gives the session its search_path back: pg_partman sets it for the session and "restores" what
-- our functions run with, which outlasts them. Called last by enable_retention and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._partman_leave(
    p_search_path text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_partman_leave$
DECLARE
    r_partman record := pgimport._partman();
BEGIN
    IF r_partman.schema_name IS NOT NULL THEN
        PERFORM set_config('search_path', p_search_path, false);
    END IF;
END;
$_partman_leave$;

COMMENT ON FUNCTION pgimport._partman_leave(text) IS
'internal: gives the session the search_path back that pg_partman has changed.';
