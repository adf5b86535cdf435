-- The foreign keys of a table as conditions over rows that are to be inserted (alias r): true
-- where the referenced row is missing. It is compared with the operators of the constraint and in
-- the collation of the referenced column, as PostgreSQL's own trigger does; with MATCH FULL a key
-- that is null in part breaks it, too. A reference to the table itself may also be to a row of the
-- job: {rows} stands for the SQL of these rows. A PERIOD must be covered by all referenced ones.
-- Called by _constraints.
CREATE OR REPLACE FUNCTION pgimport._foreign_keys(
    p_relation regclass
)
RETURNS TABLE (
    code text,
    columns text[],
    condition text,
    detail text,
    is_self boolean,
    skipped text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_foreign_keys$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH part AS (
        SELECT
            c.oid, c.conname, c.confrelid, c.confmatchtype, c.conkey, c.conrelid,
            f.relkind AS kind,
            count(*) AS size,
            string_agg(format('r.%I', a.attname), ', ' ORDER BY k.place) AS fields,
            string_agg(concat('p', e.equal), ' AND ' ORDER BY k.place)
            FILTER (WHERE NOT e.is_period) AS equal,
            max(format('r.%I', a.attname)) FILTER (WHERE e.is_period) AS own_period,
            max(format('p.%I', b.attname)) FILTER (WHERE e.is_period) AS period,
            string_agg(concat('q', e.equal), ' AND ' ORDER BY k.place) AS own_equal,
            bool_and(has_column_privilege(c.confrelid, b.attnum, 'SELECT')) AS is_readable,
            to_jsonb(c) AS raw
        FROM pg_constraint AS c
        INNER JOIN pg_class AS f ON f.oid = c.confrelid
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY
            AS k (own, referenced, operator, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.own
        INNER JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = k.referenced
        INNER JOIN pg_operator AS o ON o.oid = k.operator
        INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        LEFT JOIN pg_collation AS co ON co.oid = b.attcollation
        LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
        CROSS JOIN LATERAL (
            SELECT concat(
                format('.%I', b.attname),
                CASE WHEN co.oid IS NOT NULL
                    THEN format(' COLLATE %I.%I', cn.nspname, co.collname) END,
                format(' OPERATOR(%I.%s) r.%I', n.nspname, o.oprname, a.attname)
            ) AS equal,
            to_jsonb(c) @> '{"conperiod": true}' AND k.place = cardinality(c.conkey) AS is_period
        ) AS e
        WHERE c.conrelid IN (
            SELECT p_relation
            UNION ALL
            -- those that only a partition has
            SELECT l.relid FROM pg_partition_tree(p_relation) AS l
        )
            AND c.contype = 'f'
            AND c.conparentid = 0
        GROUP BY c.oid, f.relkind
    )

    SELECT
        'foreign_key:' || p.conname,
        pgimport._column_names(p.conrelid, p.conkey),
        concat(
            CASE WHEN p.conrelid <> p_relation
                THEN format('(%s) AND (', coalesce(
                    pg_get_partition_constraintdef(p.conrelid), 'true')) END,
            CASE WHEN p.confmatchtype = 'f' AND p.size > 1
                THEN format('num_nulls(%s) BETWEEN 1 AND %s OR ', p.fields, p.size - 1) END,
            format('num_nulls(%s) = 0', p.fields),
            format(
                CASE
                    WHEN p.period IS NULL THEN ' AND NOT EXISTS (SELECT FROM %s%s AS p WHERE %s)'
                    ELSE ' AND (isempty(%4$s) OR (%4$s <@ (SELECT range_agg(%5$s) '
                        'FROM %1$s%2$s AS p WHERE %3$s)) IS NOT TRUE)'
                END,
                CASE WHEN p.kind = 'r' THEN 'ONLY ' END,
                p.confrelid::regclass,
                coalesce(p.equal, 'true'),
                p.own_period,
                p.period
            ),
            CASE WHEN p.confrelid = p.conrelid THEN format(
                ' AND NOT EXISTS (SELECT FROM {rows} AS q WHERE %s)', p.own_equal
            ) END,
            CASE WHEN p.conrelid <> p_relation THEN ')' END
        ),
        pg_get_constraintdef(p.oid),
        p.confrelid = p.conrelid,
        CASE
            WHEN p.period IS NOT NULL AND p.confrelid = p.conrelid
                THEN 'it is over periods of the table itself'
            WHEN NOT p.is_readable
                THEN format('role "%s" may not read "%s"', current_user, p.confrelid::regclass)
            WHEN row_security_active(p.confrelid)
                THEN format('row-level security hides rows of "%s"', p.confrelid::regclass)
        END
    FROM part AS p
    WHERE NOT p.raw @> '{"conenforced": false}';
END;
$_foreign_keys$;

COMMENT ON FUNCTION pgimport._foreign_keys(regclass) IS
'internal: the foreign keys of a table as conditions over rows that are to be inserted.';
