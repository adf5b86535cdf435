-- Foreign keys of other tables (or of the table itself) that refer to columns which a job updates,
-- and forbid it while a row refers to the old value: as conditions over rows that are updated
-- (alias r, with the place of their row in the table), true where that is so.
-- Called by _constraints.
CREATE OR REPLACE FUNCTION pgimport._referring_keys(
    p_relation regclass,
    p_columns text[]
)
RETURNS TABLE (
    code text,
    columns text[],
    condition text,
    detail text,
    skipped text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_referring_keys$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH part AS (
        SELECT
            c.oid, c.conname, c.conrelid, c.confkey,
            f.relkind AS kind,
            string_agg(
                format('(t.%I OPERATOR(%I.%s) r.%1$I)', b.attname, pn.nspname, po.oprname),
                ' AND ' ORDER BY k.place
            ) AS same,
            string_agg(
                format('t.%I OPERATOR(%I.%s) c.%I', b.attname, n.nspname, o.oprname, a.attname),
                ' AND ' ORDER BY k.place
            ) AS equal,
            bool_and(has_column_privilege(c.conrelid, a.attnum, 'SELECT')) AS is_readable
        FROM pg_constraint AS c
        INNER JOIN pg_class AS f ON f.oid = c.conrelid
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey, c.conpfeqop, c.conppeqop) WITH ORDINALITY
            AS k (own, referenced, operator, own_operator, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.own
        INNER JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = k.referenced
        INNER JOIN pg_operator AS o ON o.oid = k.operator
        INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        INNER JOIN pg_operator AS po ON po.oid = k.own_operator
        INNER JOIN pg_namespace AS pn ON pn.oid = po.oprnamespace
        WHERE c.confrelid = p_relation
            AND c.contype = 'f'
            AND c.conparentid = 0
            AND c.confupdtype IN ('a', 'r')
            AND NOT to_jsonb(c) @> '{"conenforced": false}'
            AND NOT to_jsonb(c) @> '{"conperiod": true}'
            AND pgimport._column_names(p_relation, c.confkey) && p_columns
        GROUP BY c.oid, f.relkind
    )

    SELECT
        'foreign_key:' || p.conname,
        pgimport._column_names(p_relation, p.confkey),
        format(
            'EXISTS (SELECT FROM %s AS t WHERE t.tableoid = r."pgimport rel" '
            'AND t.ctid = r."pgimport tid" AND (%s) IS NOT TRUE '
            'AND EXISTS (SELECT FROM %s%s AS c WHERE %s))',
            p_relation, p.same, CASE WHEN p.kind = 'r' THEN 'ONLY ' END,
            p.conrelid::regclass, p.equal
        ),
        format('%s of %s', pg_get_constraintdef(p.oid), p.conrelid::regclass),
        CASE WHEN NOT p.is_readable THEN format(
            'role "%s" may not read "%s"', current_user, p.conrelid::regclass
        ) END
    FROM part AS p;
END;
$_referring_keys$;

COMMENT ON FUNCTION pgimport._referring_keys(regclass, text[]) IS
'internal: foreign keys that forbid to update what they refer to, as conditions.';
