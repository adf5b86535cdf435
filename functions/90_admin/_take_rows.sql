-- Takes rows out of the default partition of a table (p_all: out of all, which are dropped) and
-- returns the table they wait in, or null where there are none. The table is locked before: nobody
-- sees it without them. The default partition is emptied by TRUNCATE, as its space is to be free.
-- Called by enable_retention and run_maintenance; _put_rows puts them back.
CREATE OR REPLACE FUNCTION pgimport._take_rows(
    p_relation regclass,
    p_all boolean
)
RETURNS regclass
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_take_rows$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_waiting regclass;
    v_name text;
    v_default regclass;
    v_guard text;
    r_part record;
BEGIN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_relation);
    SELECT p.part INTO STRICT v_default
    FROM pgimport._partitions(p_relation) AS p WHERE p.is_default;

    SELECT c.relname || '_waiting' INTO v_name FROM pg_class AS c WHERE c.oid = p_relation;
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport.%I AS SELECT * FROM %s',
        v_name, CASE WHEN p_all THEN p_relation ELSE v_default END
    );
    v_waiting := format('pgimport.%I', v_name)::regclass;
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', v_waiting);

    FOR r_part IN
        SELECT p.part FROM pgimport._partitions(p_relation) AS p WHERE p_all AND NOT p.is_default
    LOOP
        EXECUTE format('DROP TABLE %s', r_part.part);
    END LOOP;
    -- append-only it is for all but this: what is truncated is in the other table
    SELECT g.tgname INTO v_guard FROM pg_trigger AS g
    WHERE g.tgrelid = v_default
        AND g.tgfoid = 'pgimport._guard_event()'::regprocedure
        AND (g.tgtype & 32) > 0;
    IF v_guard IS NULL THEN
        EXECUTE format('TRUNCATE %s', v_default);
    ELSE
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', v_default, v_guard);
        EXECUTE format('TRUNCATE %s', v_default);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', v_default, v_guard);
    END IF;
    RETURN v_waiting;
END;
$_take_rows$;

COMMENT ON FUNCTION pgimport._take_rows(regclass, boolean) IS
'internal: takes the rows of the default partition, or of all, out of a table.';

-- Puts the rows back that _take_rows took, each into the partition of its time, which is made where
-- there is none. What is older than p_keep is left out. Rows of times that cannot be (of years to
-- come, or of ten years ago) stay in the default partition. Not one may be missing.
-- Called by enable_retention and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._put_rows(
    p_table record,
    p_waiting regclass,
    p_length interval,
    p_premake integer,
    p_keep interval DEFAULT NULL,
    OUT rows_put bigint,
    OUT rows_dropped bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_put_rows$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    -- pg_partman 4.x reads the time in the names of partitions
    c_names CONSTANT text := coalesce(
        pgimport._partman_config(p_table.table_name) ->> 'datetime_string', 'YYYYMMDD'
    );
    v_after timestamptz := now() - coalesce(p_keep, interval '10 years');
    v_at timestamptz;
    v_columns text;
    v_all bigint;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO STRICT v_columns
    FROM pg_attribute AS a
    WHERE a.attrelid = p_table.relation AND a.attnum > 0 AND NOT a.attisdropped;

    LOOP
        EXECUTE format(
            'SELECT min(w.%1$I) FROM %2$s AS w WHERE w.%1$I >= $1 AND w.%1$I < $2',
            p_table.column_name, p_waiting
        ) INTO v_at USING v_after, pgimport._partition_horizon(p_length, p_premake);
        EXIT WHEN v_at IS NULL;
        PERFORM pgimport._add_partition(p_table.relation, v_at, p_length, c_names);
        SELECT p.to_at INTO STRICT v_after
        FROM pgimport._partitions(p_table.relation) AS p
        WHERE p.from_at <= v_at AND p.to_at > v_at;
    END LOOP;

    EXECUTE format(
        'INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s AS w '
        'WHERE $1 IS NULL OR w.%4$I >= now() - $1',
        p_table.relation, v_columns, p_waiting, p_table.column_name
    ) USING p_keep;
    GET DIAGNOSTICS rows_put = ROW_COUNT;
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE w.%I < now() - $1) FROM %s AS w',
        p_table.column_name, p_waiting
    ) INTO v_all, rows_dropped USING p_keep;
    ASSERT rows_put + rows_dropped = v_all, 'rows are missing: all is undone';
    EXECUTE format('DROP TABLE %s', p_waiting);
END;
$_put_rows$;

COMMENT ON FUNCTION pgimport._put_rows(record, regclass, interval, integer, interval) IS
'internal: puts rows back into the partitions of their time.';
