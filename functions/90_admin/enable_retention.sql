-- Checks the options of enable_retention and returns them complete: what is not given is as it was,
-- or the default where retention is new.
-- Called by enable_retention. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._retention_settings(
    p_options jsonb
)
RETURNS pgimport.retention
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $_retention_settings$
DECLARE
    v_settings pgimport.retention;
    v_wanted text;
    r_option record;
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{staged_rows,issues,events,row_history,engine,premake}',
        'p_options of enable_retention'
    );
    FOR r_option IN
        SELECT o.key, o.value, jsonb_typeof(o.value) AS type, o.value #>> '{}' AS text
        FROM jsonb_each(CASE jsonb_typeof(p_options) WHEN 'object' THEN p_options END) AS o
        ORDER BY o.key
    LOOP
        v_wanted := CASE
            WHEN r_option.key = 'engine' THEN
                CASE WHEN r_option.value NOT IN ('"auto"', '"pg_partman"', '"own"')
                    THEN '"auto", "pg_partman" or "own"' END
            WHEN r_option.key = 'premake' THEN
                CASE WHEN r_option.text !~ '^[0-9]{1,3}$' OR r_option.type <> 'number'
                    OR r_option.text::integer NOT BETWEEN 1 AND 100
                    THEN 'a whole number from 1 to 100' END
            WHEN r_option.type = 'null' THEN NULL
            WHEN r_option.type <> 'string'
                OR pgimport._cast_sqlstate(r_option.text, 'interval') IS NOT NULL
                THEN 'an interval such as "1 month", or null: for ever'
            WHEN r_option.text::interval NOT BETWEEN
                CASE r_option.key WHEN 'staged_rows' THEN interval '1 microsecond'
                    ELSE interval '1 hour' END
                AND interval '1000 years'
                THEN 'an interval above 0, of at least an hour but for staged_rows, or null'
        END;
        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" of enable_retention must be %s',
                    r_option.key, v_wanted),
                DETAIL = format('It was: %s', left(r_option.value::text, 200)),
                HINT = 'For example: {"issues": "1 month", "staged_rows": "24 hours"}';
        END IF;
    END LOOP;

    SELECT s.* INTO v_settings FROM pgimport.retention AS s;
    IF v_settings.is_on IS NULL THEN
        v_settings := jsonb_populate_record(
            NULL::pgimport.retention,
            '{"is_on": true, "staged_rows": "24 hours", "issues": "1 month", "engine": "auto", '
            '"premake": 4}'
        );
    END IF;
    RETURN jsonb_populate_record(
        v_settings,
        coalesce(p_options, '{}')
        || jsonb_build_object('enabled_at', now(), 'enabled_by', current_user)
    );
END;
$_retention_settings$;

COMMENT ON FUNCTION pgimport._retention_settings(jsonb) IS
'internal: the settings that enable_retention is to store.';

-- Cuts a table into partitions by time as the settings want it, by pg_partman or by ourselves. What
-- is so already is left alone; else all rows are taken out and put back: in one transaction, with
-- the table locked. Called by enable_retention.
CREATE OR REPLACE FUNCTION pgimport._repartition(
    p_table record,
    p_settings pgimport.retention,
    p_engine text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $_repartition$
DECLARE
    c_keep CONSTANT interval := to_jsonb(p_settings) ->> p_table.keeps;
    c_length CONSTANT interval := pgimport._partition_length(c_keep);
    v_config jsonb := pgimport._partman_config(p_table.table_name);
    v_waiting regclass;
    v_start timestamptz;
    v_moved bigint := 0;
BEGIN
    -- cut by this engine, in this length: only the settings may be others
    IF (v_config IS NOT NULL) <> (p_engine = 'pg_partman')
        OR (v_config ->> 'partition_interval')::interval <> c_length
        OR NOT EXISTS (
            SELECT FROM pgimport._partitions(p_table.relation) AS p
            WHERE p.to_at - p.from_at = c_length
        )
    THEN
        v_waiting := pgimport._take_rows(p_table.relation, true);
        PERFORM pgimport._partman_release(p_table.table_name);
        IF p_engine = 'pg_partman' THEN
            EXECUTE format(
                'SELECT pgimport._partition_start(min(w.%1$I), $1) FROM %2$s AS w '
                'WHERE w.%1$I BETWEEN now() - $2 AND now()', p_table.column_name, v_waiting
            ) INTO v_start USING c_length, coalesce(c_keep, interval '10 years');
            PERFORM pgimport._partman_take(
                p_table, c_length, p_settings.premake,
                coalesce(v_start, pgimport._partition_start(now(), c_length))
            );
        END IF;
        SELECT p.rows_put INTO STRICT v_moved
        FROM pgimport._put_rows(p_table, v_waiting, c_length, p_settings.premake) AS p;
    END IF;
    IF p_engine = 'pg_partman' THEN
        PERFORM pgimport._partman_set(p_table.table_name, c_keep, p_settings.premake);
    ELSE
        PERFORM pgimport._add_ahead(p_table.relation, c_length, p_settings.premake);
    END IF;
    PERFORM pgimport._keep_partitions();

    RETURN jsonb_build_object(
        'table', format('pgimport.%I', p_table.table_name),
        'keep', c_keep,
        'engine', p_engine,
        'partition_length', c_length,
        'partitions', (
            SELECT count(*) FROM pgimport._partitions(p_table.relation) AS p
            WHERE NOT p.is_default
        ),
        'rows_moved', v_moved
    );
END;
$_repartition$;

COMMENT ON FUNCTION pgimport._repartition(record, pgimport.retention, text) IS
'internal: cuts a table into partitions by time.';

-- Makes the partitions of now and of the time to come.
-- Called by enable_retention and run_maintenance. Returns how many it made.
CREATE OR REPLACE FUNCTION pgimport._add_ahead(
    p_relation regclass,
    p_length interval,
    p_premake integer
)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_add_ahead$
DECLARE
    v_made integer := 0;
    v_at timestamptz := now();
BEGIN
    WHILE v_at < now() + p_premake * p_length + p_length LOOP
        v_made := v_made + pgimport._add_partition(p_relation, v_at, p_length)::integer;
        SELECT p.to_at INTO STRICT v_at FROM pgimport._partitions(p_relation) AS p
        WHERE p.from_at <= v_at AND p.to_at > v_at;
    END LOOP;
    RETURN v_made;
END;
$_add_ahead$;

COMMENT ON FUNCTION pgimport._add_ahead(regclass, interval, integer) IS
'internal: makes the partitions of now and of the time to come.';

-- Says for how long staged rows, issues, events and row history are kept, and cuts the tables of
-- the last three into partitions by time: by pg_partman where it is installed, else by itself. Once
-- more with other options changes these; nothing is removed before run_maintenance.
-- Called by users. Raises PI002, PI003, PI603, PI604; 55P03 where imports hold the tables.
CREATE OR REPLACE FUNCTION pgimport.enable_retention(
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $enable_retention$
DECLARE
    v_settings pgimport.retention;
    v_engine text;
    v_tables jsonb := '[]'::jsonb;
    v_answer jsonb;
    r_table record;
BEGIN
    PERFORM pgimport._require_owner('retention');
    -- one at a time, and none beside run_maintenance
    PERFORM pg_advisory_xact_lock(hashtextextended('pgimport.maintenance', 0));
    v_settings := pgimport._retention_settings(p_options);
    v_engine := CASE
        WHEN v_settings.engine = 'auto' THEN
            CASE WHEN (pgimport._partman()).schema_name IS NULL THEN 'own' ELSE 'pg_partman' END
        ELSE v_settings.engine
    END;
    IF v_engine = 'pg_partman' AND (pgimport._partman()).schema_name IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI604',
            MESSAGE = 'pg_partman is not installed in this database',
            HINT = 'CREATE EXTENSION pg_partman; or do without it: '
                'select pgimport.enable_retention(''{"engine": "own"}'');';
    END IF;

    FOR r_table IN SELECT t.* FROM pgimport._partitioned() AS t LOOP
        v_tables := v_tables || pgimport._repartition(r_table, v_settings, v_engine);
    END LOOP;
    DELETE FROM pgimport.retention;
    INSERT INTO pgimport.retention SELECT v_settings.*;

    v_answer := pgimport._target_envelope(
        NULL,
        format('staged rows of finished jobs are kept %s, issues %s, events %s, row history %s',
            coalesce(v_settings.staged_rows::text, 'for ever'),
            coalesce(v_settings.issues::text, 'for ever'),
            coalesce(v_settings.events::text, 'for ever'),
            coalesce(v_settings.row_history::text, 'for ever')),
        jsonb_build_object(
            'settings', to_jsonb(v_settings) - '{is_on,enabled_at,enabled_by}'::text[],
            'engine', v_engine,
            'tables', v_tables
        )
    );
    PERFORM pgimport._partman_leave(p_search_path);
    RETURN v_answer;
END;
$enable_retention$;

COMMENT ON FUNCTION pgimport.enable_retention(jsonb, text) IS
'Says for how long what is kept and cuts issues, events and row history into partitions by time; '
'run_maintenance() then removes what is older. Options: staged_rows (24 hours), issues (1 month), '
'events, row_history (null: for ever), engine (auto, pg_partman, own), premake (4). '
'Keys: settings, engine, tables [{table, keep, engine, partition_length, partitions, rows_moved}]. '
'Example: select pgimport.enable_retention(''{"issues": "2 weeks"}'')';
