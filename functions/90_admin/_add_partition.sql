-- Makes the partition for a time, where none holds it; between others it is as long as the gap.
-- It is made beside the table and attached: so it waits for nobody who writes into other ones.
-- p_names: how pg_partman, where it manages the table, spells the time in names.
-- Called by _add_ahead and _put_rows. Returns whether it made one.
CREATE OR REPLACE FUNCTION pgimport._add_partition(
    p_relation regclass,
    p_at timestamptz,
    p_length interval,
    p_names text DEFAULT 'YYYYMMDD'
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
AS $_add_partition$
DECLARE
    v_from timestamptz := pgimport._partition_start(p_at, p_length);
    v_to timestamptz := v_from + p_length;
    v_name text;
    v_default regclass;
    r_near record;
BEGIN
    SELECT
        max(p.to_at) FILTER (WHERE p.to_at <= p_at) AS before,
        min(p.from_at) FILTER (WHERE p.from_at > p_at) AS after,
        bool_or(p.from_at <= p_at AND p.to_at > p_at) AS is_there
    INTO STRICT r_near
    FROM pgimport._partitions(p_relation) AS p;
    IF r_near.is_there THEN
        RETURN false;
    END IF;
    v_from := greatest(v_from, r_near.before);
    v_to := least(v_to, r_near.after);

    SELECT p.part INTO STRICT v_default
    FROM pgimport._partitions(p_relation) AS p WHERE p.is_default;
    SELECT format('%s_p%s', c.relname, to_char(v_from, p_names)) INTO STRICT v_name
    FROM pg_class AS c WHERE c.oid = p_relation;
    IF to_regclass(format('pgimport.%I', v_name)) IS NOT NULL THEN
        v_name := v_name || to_char(v_from, '"_"YYYYMMDDHH24MISS');
    END IF;
    EXECUTE format(
        'CREATE TABLE pgimport.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
        'INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING INDEXES)', v_name, v_default
    );
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION pgimport.%I FOR VALUES FROM (%L) TO (%L)',
        p_relation, v_name, v_from, v_to
    );
    RETURN true;
END;
$_add_partition$;

COMMENT ON FUNCTION pgimport._add_partition(regclass, timestamptz, interval, text) IS
'internal: makes the partition of a table for a time, where none holds it.';
