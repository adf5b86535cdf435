-- Rows of other tables that refer, by a foreign key, to rows a rollback would delete: one element a
-- constraint that has such rows, with their number and what ON DELETE would do to them. Also the
-- referencing columns without an index: without one, each deleted row costs a scan of that table.
-- p_doomed: SELECT of the rows that would be deleted, by _doomed_sql().
-- Called by the rollback planner.
CREATE OR REPLACE FUNCTION pgimport._dependents(
    p_relation regclass,
    p_doomed text,
    OUT dependents jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_dependents$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    r_key record;
    v_rows bigint;
    -- the table and its partitions: a foreign key may refer to one of them alone
    v_relations oid[] := ARRAY(SELECT pgimport._table_tree(p_relation));
BEGIN
    dependents := '[]';
    warnings := '[]';

    FOR r_key IN
        SELECT
            k.conname AS name,
            k.conrelid::regclass AS child,
            k.confrelid::regclass AS parent,
            k.conrelid = ANY (v_relations) AS is_self,
            CASE k.confdeltype
                WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
            END AS on_delete,
            (
                SELECT string_agg(
                    format('t.%I OPERATOR(%I.%s) c.%I', p.attname, n.nspname, o.oprname, f.attname),
                    ' AND ' ORDER BY u.place
                )
                FROM unnest(k.conkey, k.confkey, k.conpfeqop)
                    WITH ORDINALITY AS u (child_no, parent_no, operator_oid, place)
                INNER JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = u.child_no
                INNER JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = u.parent_no
                INNER JOIN pg_operator AS o ON o.oid = u.operator_oid
                INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
            ) AS matches,
            (
                SELECT format('CREATE INDEX ON %s (%s);', k.conrelid::regclass,
                    string_agg(quote_ident(f.attname), ', ' ORDER BY u.place))
                FROM unnest(k.conkey) WITH ORDINALITY AS u (child_no, place)
                INNER JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = u.child_no
            ) AS index_ddl,
            EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = k.conrelid
                    AND i.indisvalid
                    AND i.indpred IS NULL
                    AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
            ) AS is_indexed
        FROM pg_constraint AS k
        WHERE k.contype = 'f' AND k.confrelid = ANY (v_relations) AND k.conparentid = 0
        ORDER BY k.conrelid::regclass::text, k.conname
    LOOP
        -- a row that the same rollback deletes is no dependent of it
        EXECUTE format(
            'SELECT count(*) FROM %s AS c WHERE EXISTS (SELECT FROM (%s) AS t WHERE %s)%s',
            r_key.child, p_doomed, r_key.matches,
            CASE WHEN r_key.is_self THEN format(
                ' AND NOT EXISTS (SELECT FROM (%s) AS d WHERE d."pgimport rel" = c.tableoid '
                'AND d."pgimport ctid" = c.ctid)', p_doomed
            ) END
        ) INTO v_rows;

        IF v_rows > 0 THEN
            dependents := dependents || jsonb_build_object(
                'table', r_key.child::text,
                'constraint', r_key.name,
                'count', v_rows,
                'on_delete', r_key.on_delete,
                'jobs', '[]'::jsonb
            );
        END IF;
        IF NOT r_key.is_indexed THEN
            warnings := warnings || to_jsonb(format(
                'table %s refers to this one without an index: a rollback would be slow; %s',
                r_key.child, r_key.index_ddl
            ));
        END IF;
    END LOOP;
END;
$_dependents$;

COMMENT ON FUNCTION pgimport._dependents(regclass, text) IS
'internal: rows that refer to the rows a rollback would delete, by foreign key.';
