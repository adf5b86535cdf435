-- What keeps the server from cleaning up after imports: prepared transactions, sessions with an old
-- snapshot, replication slots that nobody reads, tables near the wraparound of transaction ids.
-- p_age: how old the first two must be; p_wal: bytes of log that a slot may keep.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_holds(
    p_age interval DEFAULT '1 hour',
    p_wal numeric DEFAULT 1073741824
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_doctor_holds$
#variable_conflict use_column
DECLARE
    c_why CONSTANT text := 'what imports, rollbacks and clean-ups leave behind cannot be freed';
    -- transactions of others whose start the caller may not see are told by how many came since
    c_old_xmin CONSTANT integer := 10000000;
BEGIN
    RETURN QUERY
    SELECT
        format('prepared transaction %s', x.gid),
        'warning',
        format('since %s, of role "%s"', x.prepared, x.owner),
        c_why || ', and its locks stay',
        format('ROLLBACK PREPARED %L;', x.gid)
    FROM pg_prepared_xacts AS x
    WHERE x.database = current_database() AND x.prepared < clock_timestamp() - p_age
    ORDER BY x.prepared;

    RETURN QUERY
    SELECT
        format('old snapshot, pid %s', a.pid),
        'warning',
        concat(
            format('role "%s", application "%s"', a.usename, a.application_name),
            ', ' || a.state || ' since ' || a.xact_start
        ),
        c_why,
        format('SELECT pg_terminate_backend(%s);', a.pid)
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database()
        AND a.pid <> pg_backend_pid()
        AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
        AND a.backend_type = 'client backend'
        AND (
            a.xact_start < clock_timestamp() - p_age
            OR (a.xact_start IS NULL AND age(coalesce(a.backend_xmin, a.backend_xid)) > c_old_xmin)
        )
    ORDER BY a.pid;

    RETURN QUERY
    SELECT
        format('replication slot %s', r.slot_name),
        'warning',
        format('read by nobody, keeps %s of log', pg_size_pretty(r.kept)),
        'it fills the disk with the log of imports, or keeps dead rows',
        format('SELECT pg_drop_replication_slot(%L);', r.slot_name)
    FROM (
        SELECT
            s.slot_name, s.xmin, s.catalog_xmin,
            CASE WHEN NOT pg_is_in_recovery()
                THEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) END AS kept
        FROM pg_replication_slots AS s WHERE NOT s.active
    ) AS r
    WHERE r.kept > p_wal OR r.xmin IS NOT NULL
    ORDER BY r.slot_name;

    RETURN QUERY SELECT * FROM pgimport._doctor_age();
END;
$_doctor_holds$;

COMMENT ON FUNCTION pgimport._doctor_holds(interval, numeric) IS
'internal: what keeps the server from cleaning up after imports, for doctor().';

-- Targets whose oldest transaction id is older than autovacuum should let it get.
-- Called by _doctor_holds().
CREATE OR REPLACE FUNCTION pgimport._doctor_age()
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_age$
#variable_conflict use_column
DECLARE
    c_most CONSTANT numeric := 1500000000;
    c_allowed CONSTANT numeric := 1.2 * current_setting('autovacuum_freeze_max_age')::numeric;
BEGIN
    RETURN QUERY
    SELECT
        format('age of table %s', q.relation),
        CASE WHEN q.age > c_most THEN 'problem' ELSE 'warning' END,
        format('%s transactions, %s', q.age, pg_size_pretty(q.bytes)),
        'the server stops writing before ids wrap around, at 2 billion; vacuuming is overdue',
        format('VACUUM (FREEZE) %s;', q.relation)
    FROM (
        SELECT
            r.relation,
            max(age(c.relfrozenxid)) AS age,
            sum(pgimport._bytes_of(c.oid))::bigint AS bytes
        FROM (
            SELECT DISTINCT o.oid::regclass AS relation
            FROM pgimport.target AS t
            INNER JOIN pg_namespace AS n ON n.nspname = t.schema_name
            INNER JOIN pg_class AS o ON o.relnamespace = n.oid AND o.relname = t.table_name
            WHERE t.dropped_at IS NULL AND o.relkind IN ('r', 'p')
        ) AS r
        CROSS JOIN LATERAL pgimport._whole_table(r.relation) AS m (relation)
        INNER JOIN pg_class AS c ON c.oid = m.relation AND c.relkind = 'r'
        GROUP BY r.relation
    ) AS q
    WHERE q.age > least(c_allowed, c_most)
    ORDER BY q.age DESC;
END;
$_doctor_age$;

COMMENT ON FUNCTION pgimport._doctor_age() IS
'internal: targets near the wraparound of transaction ids, for doctor().';
