-- Whether the tables that grow with every import are kept small: retention is enabled once they are
-- large, and its maintenance runs. p_bytes: how large they may be without; with it, a 64th of that
-- may be in a default partition: rows whose times cannot be stay there.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_retention(
    p_bytes bigint DEFAULT 67108864
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
AS $_doctor_retention$
#variable_conflict use_column
DECLARE
    v_is_on boolean := EXISTS (SELECT FROM pgimport.retention);
    v_bytes bigint := (
        SELECT coalesce(sum(pgimport._bytes_of(p.part::oid)), 0)
        FROM pgimport._partitioned() AS t, pgimport._partitions(t.relation) AS p
    );
BEGIN
    IF NOT v_is_on THEN
        RETURN QUERY SELECT
            'retention',
            CASE WHEN v_bytes > p_bytes THEN 'warning' ELSE 'ok' END,
            format('not enabled; issues, events and row history take %s', pg_size_pretty(v_bytes)),
            CASE WHEN v_bytes > p_bytes THEN 'they, and the staged rows of finished jobs, grow for '
                'ever; the owner of pgimport enables it, then a scheduler runs run_maintenance()'
            END,
            CASE WHEN v_bytes > p_bytes THEN 'SELECT pgimport.enable_retention();' END;
        RETURN;
    END IF;

    RETURN QUERY
    SELECT
        format('partitions of %s', t.relation),
        'warning',
        concat_ws(
            ', ',
            CASE WHEN d.bytes > 0
                THEN format('%s in the default partition', pg_size_pretty(d.bytes)) END,
            CASE WHEN d.until < clock_timestamp()
                THEN format('none is made for after %s', d.until) END
        ),
        'the maintenance has not run: rows there are removed one by one, not with their partition; '
        'as the owner of pgimport, and by a scheduler from then on',
        'SELECT pgimport.run_maintenance();'
    FROM pgimport._partitioned() AS t
    CROSS JOIN LATERAL (
        SELECT
            sum(CASE WHEN p.is_default AND pg_relation_size(p.part) > 0
                THEN pgimport._bytes_of(p.part::oid) END) AS bytes,
            max(p.to_at) AS until
        FROM pgimport._partitions(t.relation) AS p
    ) AS d
    WHERE d.bytes > p_bytes / 64 OR d.until < clock_timestamp()
    ORDER BY t.relation::text;
END;
$_doctor_retention$;

COMMENT ON FUNCTION pgimport._doctor_retention(bigint) IS
'internal: whether tables that grow are kept small, for doctor().';
