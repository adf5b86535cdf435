-- Makes every partition of pgimport's tables what its table is: of the same owner, with row-level
-- security and without rights for anybody else, so that nobody reads or writes past the policies of
-- the table; with the indexes of the default partition; append-only against TRUNCATE, too, where
-- the table is. pg_partman makes partitions that have none of it.
-- Called by schema/end.sql, enable_retention and run_maintenance. What is so already is not locked.
CREATE OR REPLACE FUNCTION pgimport._keep_partitions()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_keep_partitions$
-- names are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    r_part record;
    r_right record;
BEGIN
    FOR r_part IN
        SELECT c.oid::regclass AS name, c.relowner, c.relacl, c.relrowsecurity, o.rolname AS owner,
            t.relation,
            p.relowner <> c.relowner AS is_foreign,
            obj_description(c.oid, 'pg_class') IS NULL AS lacks_comment,
            (SELECT count(*) FROM pg_index AS x WHERE x.indrelid = c.oid) < (
                SELECT count(*) FROM pg_index AS x
                INNER JOIN pg_partitioned_table AS d ON d.partdefid = x.indrelid
                WHERE d.partrelid = p.oid
            ) AS lacks_index,
            EXISTS (
                SELECT FROM pg_trigger AS g WHERE g.tgrelid = p.oid AND (g.tgtype & 32) > 0
            ) AND NOT EXISTS (
                SELECT FROM pg_trigger AS g
                WHERE g.tgrelid = c.oid AND (g.tgtype & 32) > 0 AND g.tgenabled = 'A'
            ) AS lacks_guard
        FROM pgimport._partitioned() AS t
        INNER JOIN pg_class AS p ON p.oid = t.relation
        INNER JOIN pg_roles AS o ON o.oid = p.relowner
        INNER JOIN pg_inherits AS i ON i.inhparent = p.oid
        INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        ORDER BY c.relname
    LOOP
        IF r_part.is_foreign THEN
            EXECUTE format('ALTER TABLE %s OWNER TO %I', r_part.name, r_part.owner);
        END IF;
        IF NOT r_part.relrowsecurity THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', r_part.name);
        END IF;
        FOR r_right IN
            SELECT DISTINCT a.grantee, g.rolname
            FROM aclexplode(r_part.relacl) AS a
            LEFT JOIN pg_roles AS g ON g.oid = a.grantee
            WHERE g.rolname IS DISTINCT FROM r_part.owner
        LOOP
            EXECUTE format(
                'REVOKE ALL ON %s FROM %s', r_part.name,
                coalesce(quote_ident(r_right.rolname), 'PUBLIC')
            );
        END LOOP;
        IF r_part.lacks_comment THEN
            EXECUTE format(
                'COMMENT ON TABLE %s IS %L', r_part.name,
                format('Rows of %s of some time; to be read and written by that table alone.',
                    r_part.relation)
            );
        END IF;
        IF r_part.lacks_guard THEN
            EXECUTE format(
                'CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON %s '
                'FOR EACH STATEMENT EXECUTE FUNCTION pgimport._guard_event()', r_part.name
            );
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_truncate', r_part.name);
        END IF;
        IF r_part.lacks_index THEN
            PERFORM pgimport._keep_indexes(r_part.relation, r_part.name);
        END IF;
    END LOOP;
END;
$_keep_partitions$;

COMMENT ON FUNCTION pgimport._keep_partitions() IS
'internal: gives partitions the owner, the row-level security and the guards of their table.';

-- Gives a partition the indexes of the default partition that it lacks. Called by _keep_partitions.
CREATE OR REPLACE FUNCTION pgimport._keep_indexes(
    p_relation regclass,
    p_part regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_keep_indexes$
-- definitions are of the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    r_index record;
BEGIN
    FOR r_index IN
        SELECT x.indisunique, q.definition
        FROM pgimport._partitions(p_relation) AS p
        INNER JOIN pg_index AS x ON x.indrelid = p.part
        CROSS JOIN LATERAL (
            SELECT substring(pg_get_indexdef(x.indexrelid) FROM ' USING (.*)$') AS definition
        ) AS q
        WHERE p.is_default
            AND p.part <> p_part
            AND NOT EXISTS (
                SELECT FROM pg_index AS o
                WHERE o.indrelid = p_part
                    AND o.indisunique = x.indisunique
                    AND substring(pg_get_indexdef(o.indexrelid) FROM ' USING (.*)$') = q.definition
            )
    LOOP
        EXECUTE format(
            'CREATE %s ON %s USING %s',
            CASE WHEN r_index.indisunique THEN 'UNIQUE INDEX' ELSE 'INDEX' END,
            p_part, r_index.definition
        );
    END LOOP;
END;
$_keep_indexes$;

COMMENT ON FUNCTION pgimport._keep_indexes(regclass, regclass) IS
'internal: gives a partition the indexes of the default partition that it lacks.';
