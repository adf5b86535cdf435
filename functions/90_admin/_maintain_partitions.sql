-- What run_maintenance does with one table that is partitioned by time: rows of the default
-- partition go into partitions of their time (the server was off, or retention is new), partitions
-- for the time to come are made, those that are too old are dropped whole; by pg_partman where it
-- manages the table. What another session holds is left for the next time.
-- Called by run_maintenance. Returns {removed: {…} or null, kept: [{…}]}.
CREATE OR REPLACE FUNCTION pgimport._maintain_partitions(
    p_table record,
    p_keep interval,
    p_premake integer,
    p_dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $_maintain_partitions$
DECLARE
    c_length CONSTANT interval := pgimport._partition_length(p_keep);
    v_config jsonb := pgimport._partman_config(p_table.table_name);
    v_kept jsonb := '[]'::jsonb;
    v_rows bigint := 0;
    v_old jsonb := '[]'::jsonb;
    v_gone jsonb;
BEGIN
    IF NOT p_dry_run THEN
        BEGIN
            v_rows := pgimport._settle_default(p_table, c_length, p_premake, p_keep);
            IF v_config IS NULL THEN
                PERFORM pgimport._add_ahead(p_table.relation, c_length, p_premake);
            END IF;
        EXCEPTION
            WHEN lock_not_available THEN
                v_kept := v_kept || jsonb_build_object('kind', p_table.keeps, 'why',
                    'in use by another session: partitions are made at the next run');
        END;
    END IF;

    BEGIN
        v_old := pgimport._old_partitions(p_table, p_keep);
        IF p_dry_run THEN
            NULL;
        ELSIF v_config IS NULL THEN
            PERFORM pgimport._drop_partitions(v_old);
        ELSE
            PERFORM pgimport._partman_run(p_table.table_name);
        END IF;
    EXCEPTION
        WHEN lock_not_available THEN
            v_kept := v_kept || jsonb_build_object('kind', p_table.keeps, 'why',
                'in use by another session: removed at the next run');
        WHEN dependent_objects_still_exist THEN
            v_kept := v_kept || jsonb_build_object('kind', p_table.keeps, 'why',
                format('%s: something of yours is made of it', SQLERRM));
        -- what went wrong in pg_partman comes as this, whatever it was
        WHEN raise_exception THEN
            v_kept := v_kept || jsonb_build_object('kind', p_table.keeps, 'why',
                format('pg_partman: %s', split_part(SQLERRM, E'\n', 1)));
    END;
    IF NOT p_dry_run THEN
        PERFORM pgimport._keep_partitions();
    END IF;
    SELECT coalesce(jsonb_agg(o.value), '[]') INTO v_gone
    FROM jsonb_array_elements(v_old) AS o
    WHERE p_dry_run OR to_regclass(o.value ->> 'part') IS NULL;

    SELECT v_kept || coalesce(jsonb_agg(k.value), '[]') INTO v_kept
    FROM (
        SELECT jsonb_build_object(
            'kind', p_table.keeps,
            'partitions', count(*),
            'bytes', sum(pgimport._bytes_of(p.part)),
            'why', CASE WHEN p_keep IS NULL THEN 'kept for ever'
                ELSE format('younger than %s, or of a partition that is', p_keep) END
        ) AS value
        FROM pgimport._partitions(p_table.relation) AS p
        WHERE NOT EXISTS (
            SELECT FROM jsonb_array_elements(v_gone) AS g WHERE g.value ->> 'part' = p.part::text
        )
        HAVING count(*) > 0
    ) AS k;
    RETURN jsonb_build_object(
        'removed', (
            SELECT jsonb_build_object(
                'kind', p_table.keeps,
                'partitions', count(*),
                'rows', coalesce(sum((g.value ->> 'rows')::bigint), 0) + v_rows,
                'bytes', coalesce(sum((g.value ->> 'bytes')::bigint), 0)
            )
            FROM jsonb_array_elements(v_gone) AS g
            HAVING count(*) > 0 OR v_rows > 0
        ),
        'kept', v_kept
    );
END;
$_maintain_partitions$;

COMMENT ON FUNCTION pgimport._maintain_partitions(record, interval, integer, boolean) IS
'internal: what run_maintenance does with one table that is partitioned by time.';

-- Empties the default partition into partitions of their time. Looks first, without a lock: it is
-- empty as a rule. Called by _maintain_partitions. Returns how many rows were too old to keep.
CREATE OR REPLACE FUNCTION pgimport._settle_default(
    p_table record,
    p_length interval,
    p_premake integer,
    p_keep interval
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_settle_default$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_is_needed boolean;
    v_dropped bigint := 0;
BEGIN
    EXECUTE (
        SELECT format(
            'SELECT EXISTS (SELECT FROM %s AS d WHERE d.%I < $1 AND d.%2$I > $2)',
            p.part, p_table.column_name
        )
        FROM pgimport._partitions(p_table.relation) AS p WHERE p.is_default
    ) INTO v_is_needed
    USING pgimport._partition_horizon(p_length, p_premake),
        CASE WHEN p_keep IS NULL THEN now() - interval '10 years' ELSE '-infinity' END;
    IF v_is_needed THEN
        SELECT r.rows_dropped INTO STRICT v_dropped
        FROM pgimport._put_rows(
            p_table, pgimport._take_rows(p_table.relation, false), p_length, p_premake, p_keep
        ) AS r;
    END IF;
    RETURN v_dropped;
END;
$_settle_default$;

COMMENT ON FUNCTION pgimport._settle_default(record, interval, integer, interval) IS
'internal: empties the default partition of a table into partitions of their time.';

-- The partitions of which every row is too old to keep, oldest first: [{part, rows, bytes}].
-- Called by _maintain_partitions.
CREATE OR REPLACE FUNCTION pgimport._old_partitions(
    p_table record,
    p_keep interval
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_old_partitions$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_old jsonb := '[]'::jsonb;
    v_rows bigint;
    r_part record;
BEGIN
    FOR r_part IN
        SELECT p.part, pgimport._bytes_of(p.part) AS bytes
        FROM pgimport._partitions(p_table.relation) AS p
        WHERE p.to_at < now() - p_keep
        ORDER BY p.from_at
    LOOP
        EXECUTE format('SELECT count(*) FROM %s', r_part.part) INTO v_rows;
        v_old := v_old || jsonb_build_object(
            'part', r_part.part, 'rows', v_rows, 'bytes', r_part.bytes
        );
    END LOOP;
    RETURN v_old;
END;
$_old_partitions$;

COMMENT ON FUNCTION pgimport._old_partitions(record, interval) IS
'internal: the partitions of a table of which every row is too old to keep.';

-- Drops partitions. Called by _maintain_partitions.
CREATE OR REPLACE FUNCTION pgimport._drop_partitions(
    p_old jsonb
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_drop_partitions$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_part regclass;
BEGIN
    FOR v_part IN SELECT (o.value ->> 'part')::regclass FROM jsonb_array_elements(p_old) AS o LOOP
        EXECUTE format('DROP TABLE %s', v_part);
    END LOOP;
END;
$_drop_partitions$;

COMMENT ON FUNCTION pgimport._drop_partitions(jsonb) IS 'internal: drops partitions.';
