-- The partitions of a table with what they hold: read from the catalog, whoever made them and
-- whatever they are called. The default partition has no bounds.
-- Called by enable_retention, run_maintenance and what they call.
CREATE OR REPLACE FUNCTION pgimport._partitions(
    p_relation regclass
)
RETURNS TABLE (
    part regclass,
    is_default boolean,
    from_at timestamptz,
    to_at timestamptz
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
AS $_partitions$
BEGIN
    RETURN QUERY
    SELECT
        q.part,
        q.bound = 'DEFAULT',
        CASE WHEN q.bound LIKE 'FOR VALUES FROM (MINVALUE)%' THEN '-infinity'
            ELSE substring(q.bound FROM 'FROM \(''([^'']+)''\)')::timestamptz END,
        CASE WHEN q.bound LIKE '% TO (MAXVALUE)' THEN 'infinity'
            ELSE substring(q.bound FROM 'TO \(''([^'']+)''\)')::timestamptz END
    FROM (
        SELECT c.oid::regclass AS part, pg_get_expr(c.relpartbound, c.oid) AS bound
        FROM pg_inherits AS i
        INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = p_relation AND NOT i.inhdetachpending
    ) AS q
    ORDER BY 2, 3;
END;
$_partitions$;

COMMENT ON FUNCTION pgimport._partitions(regclass) IS
'internal: the partitions of a table and their bounds.';

-- How long a partition of a table is, by how long its rows are kept: some ten of them are there at
-- a time, and what is kept for ever does not make many. In hours: a day or a month would be of
-- another length in the time zone of another session, and partitions would overlap.
-- Called by enable_retention and run_maintenance.
CREATE OR REPLACE FUNCTION pgimport._partition_length(
    p_keep interval
)
RETURNS interval
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_keep IS NULL THEN interval '2184 hours'
    WHEN p_keep <= interval '10 days' THEN interval '24 hours'
    WHEN p_keep <= interval '4 months' THEN interval '168 hours'
    ELSE interval '672 hours'
END;

COMMENT ON FUNCTION pgimport._partition_length(interval) IS
'internal: how long a partition is, by how long its rows are kept.';

-- Where the partition begins that a time falls into: counted from a Monday in UTC.
-- Called by _add_partition, enable_retention.
CREATE OR REPLACE FUNCTION pgimport._partition_start(
    p_at timestamptz,
    p_length interval
)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN date_bin(p_length, p_at, timestamptz '2001-01-01 00:00:00+00');

COMMENT ON FUNCTION pgimport._partition_start(timestamptz, interval) IS
'internal: where the partition begins that a time falls into.';

-- Until when rows of the default partition are moved into partitions of their time: beyond all that
-- are made ahead, which nobody could make while the default partition holds a row of them.
-- Called by _put_rows and _settle_default.
CREATE OR REPLACE FUNCTION pgimport._partition_horizon(
    p_length interval,
    p_premake integer
)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN now() + (p_premake + 2) * p_length;

COMMENT ON FUNCTION pgimport._partition_horizon(interval, integer) IS
'internal: until when rows of the default partition are moved into partitions of their time.';
