-- What a person should know of a table before importing into it: triggers of somebody else that
-- would run with a superuser's rights, and foreign keys that would make a rollback slow.
-- Called by register_target() and describe_target(). Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._target_warnings(
    p_relation regclass
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_target_warnings$
DECLARE
    v_warnings jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(w.text ORDER BY w.place, w.text), '[]')
    INTO v_warnings
    FROM (
        SELECT
            1 AS place,
            format(
                'role "%s" is superuser or bypasses row-level security: the triggers of table %s '
                '(%s), which belongs to "%s", would run with its rights; better: SET ROLE %I;',
                current_user, p_relation, string_agg(DISTINCT t.tgname, ', '), o.rolname, o.rolname
            ) AS text
        FROM pg_class AS c
        INNER JOIN pg_roles AS o ON o.oid = c.relowner
        INNER JOIN pg_roles AS me ON me.rolname = current_user
        INNER JOIN pg_trigger AS t ON NOT t.tgisinternal AND t.tgenabled <> 'D'
        WHERE c.oid = p_relation
            AND t.tgrelid IN (SELECT pgimport._table_tree(p_relation))
            AND (me.rolsuper OR me.rolbypassrls)
            AND NOT o.rolsuper
            AND o.oid <> me.oid
        GROUP BY o.rolname

        UNION ALL

        SELECT
            2,
            format(
                'table %s refers to this one by "%s" without an index: a rollback would be slow; '
                'CREATE INDEX ON %s (%s);',
                k.conrelid::regclass, k.conname, k.conrelid::regclass,
                (
                    SELECT string_agg(format('%I', a.attname), ', ' ORDER BY u.place)
                    FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
                    INNER JOIN pg_attribute AS a
                        ON a.attrelid = k.conrelid AND a.attnum = u.attnum
                )
            )
        FROM pg_constraint AS k
        WHERE k.contype = 'f'
            AND k.confrelid = p_relation
            AND k.conparentid = 0
            AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = k.conrelid
                    AND i.indisvalid
                    AND i.indpred IS NULL
                    AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
            )
    ) AS w;
    RETURN v_warnings;
END
$_target_warnings$;

COMMENT ON FUNCTION pgimport._target_warnings(regclass) IS
'internal: what a person should know of a table before importing into it.';
