-- The foreign keys that refer to some tables, or to a table of which these are partitions: what is
-- needed to find the referring rows and to say something about them.
-- find_sql: tables, ctids and job ids of all rows that refer to a row of a query "parent"; compared
-- with the operators of the constraint, in the collation of the referenced column.
-- is_followed: to delete a row, those that refer to it must go first; SET NULL and SET DEFAULT
-- change them instead. target_ids: targets whose jobs may have written the referring rows.
-- A key that PostgreSQL does not enforce holds nothing back and is left out.
-- Called by _cascade_rows and _cascade_plan.
CREATE OR REPLACE FUNCTION pgimport._cascade_edges(
    p_relations oid[]
)
RETURNS TABLE (
    constraint_oid oid,
    name text,
    parent regclass,
    child regclass,
    on_delete text,
    is_followed boolean,
    find_sql text,
    target_ids bigint[],
    index_ddl text,
    is_readable boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_cascade_edges$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH referenced AS (
        SELECT u.oid FROM unnest(p_relations) AS u (oid)
        UNION
        SELECT a.relid FROM unnest(p_relations) AS u (oid), pg_partition_ancestors(u.oid) AS a
    ),

    edge AS (
        SELECT
            k.oid, k.conname, k.conrelid, k.confrelid, k.confdeltype, k.conkey,
            string_agg(quote_ident(f.attname), ', ' ORDER BY u.place) AS child_columns,
            bool_and(has_schema_privilege(n.oid, 'USAGE')) AS may_compare,
            string_agg(
                format(
                    't.%I%s OPERATOR(%I.%s) c.%I', p.attname,
                    CASE WHEN p.attcollation <> f.attcollation
                        THEN format(' COLLATE %I.%I', ln.nspname, l.collname) END,
                    n.nspname, o.oprname, f.attname
                ), ' AND ' ORDER BY u.place
            ) AS matches
        FROM pg_constraint AS k
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey, k.conpfeqop)
            WITH ORDINALITY AS u (child_no, parent_no, operator_oid, place)
        INNER JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = u.child_no
        INNER JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = u.parent_no
        INNER JOIN pg_operator AS o ON o.oid = u.operator_oid
        INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        LEFT JOIN pg_collation AS l ON l.oid = p.attcollation
        LEFT JOIN pg_namespace AS ln ON ln.oid = l.collnamespace
        WHERE k.contype = 'f'
            AND k.confrelid IN (SELECT r.oid FROM referenced AS r)
            -- a partition has copies of the keys of its table
            AND k.conparentid = 0
            AND NOT to_jsonb(k) @> '{"conenforced": false}'
        GROUP BY k.oid
    )

    SELECT
        e.oid,
        e.conname::text,
        e.confrelid::regclass,
        e.conrelid::regclass,
        CASE e.confdeltype
            WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
            WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
        END,
        e.confdeltype IN ('a', 'r', 'c'),
        format(
            'SELECT %s::oid, array_agg(c.tableoid), array_agg(c.ctid), %s '
            'FROM %s%s AS c WHERE EXISTS (SELECT FROM parent AS t WHERE %s)',
            e.oid,
            CASE WHEN g.target_ids IS NULL THEN 'NULL::uuid[]'
                ELSE 'array_agg(c.import_job_id)' END,
            CASE WHEN s.relkind = 'r' THEN 'ONLY ' END,
            e.conrelid::regclass,
            e.matches
        ),
        g.target_ids,
        CASE WHEN NOT EXISTS (
            SELECT FROM pg_index AS i
            WHERE i.indrelid = e.conrelid
                AND i.indisvalid
                AND i.indpred IS NULL
                AND (i.indkey::smallint[])[0:cardinality(e.conkey) - 1] @> e.conkey
        ) THEN format('CREATE INDEX ON %s (%s);', e.conrelid::regclass, e.child_columns) END,
        e.may_compare
            AND has_schema_privilege(s.relnamespace, 'USAGE')
            AND has_table_privilege(e.conrelid, 'SELECT')
            AND has_table_privilege(e.confrelid, 'SELECT')
    FROM edge AS e
    INNER JOIN pg_class AS s ON s.oid = e.conrelid
    CROSS JOIN LATERAL (
        SELECT array_agg(w.target_id) AS target_ids
        FROM pg_class AS r
        INNER JOIN pg_namespace AS n ON n.oid = r.relnamespace
        INNER JOIN pgimport.target AS w ON w.schema_name = n.nspname AND w.table_name = r.relname
        -- a target is never a single partition
        WHERE r.oid = coalesce(pg_partition_root(e.conrelid), e.conrelid) AND EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = e.conrelid AND a.attname = 'import_job_id'
                AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
        )
    ) AS g
    ORDER BY e.conrelid::regclass::text, e.conname;
END;
$_cascade_edges$;

COMMENT ON FUNCTION pgimport._cascade_edges(oid[]) IS
'internal: the foreign keys that refer to tables, with the SQL to find the referring rows.';
