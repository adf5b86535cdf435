-- The statements that find the rows which refer to rows of some tables: one a referenced table.
-- $1 and $2: tables and ctids of the referenced rows, $3 and $4: of rows that are not wanted again.
-- p_seen: tables that may have such rows. p_doomed: SELECT that gives the referenced rows, all of
-- the first of p_relations or its partitions, where they are read by it and not by their ctids.
-- Called by _cascade_rows.
CREATE OR REPLACE FUNCTION pgimport._cascade_sql(
    p_relations oid[],
    p_seen oid[],
    p_doomed text
)
RETURNS TABLE (
    parent regclass,
    statement text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_cascade_sql$
BEGIN
    RETURN QUERY
    SELECT
        e.parent,
        format(
            'WITH parent AS (SELECT %s FROM %s) %s',
            (
                SELECT string_agg(DISTINCT format('p.%I', a.attname), ', ')
                FROM pg_constraint AS k
                INNER JOIN pg_attribute AS a
                    ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
                WHERE k.contype = 'f' AND k.confrelid = e.parent
            ),
            CASE
                WHEN p_doomed IS NOT NULL THEN format('(%s) AS p%s', p_doomed, CASE
                    WHEN NOT e.parent = p_relations[1] AND NOT EXISTS (
                        SELECT FROM pg_partition_ancestors(p_relations[1]) AS a
                        WHERE a.relid = e.parent
                    ) THEN format(' WHERE p."pgimport rel" = ANY (%L::oid[])', ARRAY(
                        SELECT r::oid FROM pgimport._table_tree(e.parent) AS r
                    )) END)
                -- the planner knows how many rows one array holds
                WHEN c.relkind = 'r' THEN format(
                    'ONLY %s AS p INNER JOIN unnest($2) AS u (tid) ON p.ctid = u.tid', e.parent
                )
                ELSE format(
                    '%s AS p INNER JOIN unnest($1, $2) AS u (rel, tid) '
                    'ON p.ctid = u.tid AND p.tableoid = u.rel', e.parent
                )
            END,
            string_agg(
                e.find_sql || CASE
                    WHEN p_seen && ARRAY(SELECT r::oid FROM pgimport._table_tree(e.child) AS r)
                        THEN ' AND NOT EXISTS (SELECT FROM unnest($3, $4) AS v (rel, tid) '
                            'WHERE v.tid = c.ctid AND v.rel = c.tableoid)'
                    ELSE ''
                END, ' UNION ALL '
            )
        )
    FROM pgimport._cascade_edges(p_relations) AS e
    INNER JOIN pg_class AS c ON c.oid = e.parent
    WHERE e.is_readable
    GROUP BY e.parent, c.relkind
    ORDER BY e.parent::oid;
END;
$_cascade_sql$;

COMMENT ON FUNCTION pgimport._cascade_sql(oid[], oid[], text) IS
'internal: SQL that finds the rows referring to rows of some tables.';

-- Rows that refer by foreign keys, directly or through others, to the rows of a query: level by
-- level, each by a few statements over whole sets. One row a key and depth: tables, ctids and job
-- ids of the rows found, null without any; depth 0, without a key, has the rows of the query.
-- A row that is deleted anyway is not found again: self references and cycles come to an end.
-- p_doomed: SELECT of rows of p_relation: "pgimport rel", "pgimport ctid" and their columns.
-- p_follow: none: only rows that refer directly · deleted: not beyond rows that the database
-- changes instead of deleting them (SET NULL, SET DEFAULT) · all.
-- A ctid names the same row as long as the statement that called pgimport runs: its snapshot keeps
-- VACUUM away. Called by _cascade_plan, _cascade_delete and _dependent_jobs.
CREATE OR REPLACE FUNCTION pgimport._cascade_rows(
    p_relation regclass,
    p_doomed text,
    p_follow text
)
RETURNS TABLE (
    depth integer,
    constraint_oid oid,
    rels oid[],
    tids tid[],
    job_ids uuid[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = on
SET enable_nestloop = on
AS $_cascade_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- so many rows are found by their ctids; the planner knows their number then
    c_few CONSTANT integer := 100000;
    v_is_many boolean;
    -- tables of the rows whose dependents are looked for, and of all rows that are deleted
    v_tables oid[] := ARRAY(SELECT r::oid FROM pgimport._table_tree(p_relation) AS r);
    v_seen oid[] := v_tables;
    v_asked text;
    v_parents regclass[];
    v_statements text[];
    -- these rows
    v_rels oid[];
    v_tids tid[];
    v_all_rels oid[];
    v_all_tids tid[];
    -- those of one table; those of the next level
    v_own oid[];
    v_own_rels oid[];
    v_own_tids tid[];
    v_next_rels oid[];
    v_next_tids tid[];
    v_children oid[];
BEGIN
    depth := 0;
    EXECUTE format(
        'SELECT array_agg(d."pgimport rel"), array_agg(d."pgimport ctid") FROM (%s) AS d '
        'WHERE d."pgimport rel" = ANY ($1)', p_doomed
    ) INTO rels, tids USING v_tables;
    RETURN NEXT;
    v_rels := rels;
    v_tids := tids;
    v_all_rels := rels;
    v_all_tids := tids;

    WHILE v_rels IS NOT NULL AND (depth = 0 OR p_follow <> 'none') LOOP
        v_is_many := depth = 0 AND cardinality(v_rels) > c_few;
        depth := depth + 1;
        IF depth < 3 OR v_asked <> concat(v_tables, v_seen) THEN
            SELECT array_agg(s.parent), array_agg(s.statement) INTO v_parents, v_statements
            FROM pgimport._cascade_sql(
                v_tables, v_seen, CASE WHEN v_is_many THEN p_doomed END
            ) AS s;
            v_asked := concat(v_tables, v_seen);
        END IF;
        -- however few rows of the query the planner expects
        PERFORM set_config('enable_nestloop', CASE WHEN v_is_many THEN 'off' ELSE 'on' END, true);
        v_next_rels := NULL;
        v_next_tids := NULL;
        v_children := '{}';

        FOR i IN 1 .. coalesce(cardinality(v_parents), 0) LOOP
            v_own_rels := v_rels;
            v_own_tids := v_tids;
            v_own := ARRAY(SELECT r::oid FROM pgimport._table_tree(v_parents[i]) AS r);
            IF NOT v_tables <@ v_own THEN
                SELECT array_agg(u.rel), array_agg(u.tid) INTO v_own_rels, v_own_tids
                FROM unnest(v_rels, v_tids) AS u (rel, tid)
                WHERE u.rel = ANY (v_own);
            END IF;
            CONTINUE WHEN v_own_rels IS NULL;

            FOR constraint_oid, rels, tids, job_ids IN
                EXECUTE v_statements[i] USING v_own_rels, v_own_tids, v_all_rels, v_all_tids
            LOOP
                RETURN NEXT;
                IF rels IS NOT NULL AND EXISTS (
                    SELECT FROM pg_constraint AS k
                    WHERE k.oid = constraint_oid
                        AND (p_follow = 'all' OR k.confdeltype IN ('a', 'r', 'c'))
                ) THEN
                    v_next_rels := v_next_rels || rels;
                    v_next_tids := v_next_tids || tids;
                    v_children := v_children || constraint_oid;
                END IF;
            END LOOP;
        END LOOP;

        IF cardinality(v_children) > 1 THEN
            SELECT array_agg(q.rel), array_agg(q.tid) INTO v_next_rels, v_next_tids
            FROM (SELECT DISTINCT u.* FROM unnest(v_next_rels, v_next_tids) AS u (rel, tid)) AS q;
        END IF;
        v_rels := v_next_rels;
        v_tids := v_next_tids;
        v_all_rels := v_all_rels || v_rels;
        v_all_tids := v_all_tids || v_tids;
        v_tables := ARRAY(
            SELECT DISTINCT r::oid
            FROM pg_constraint AS k, pgimport._table_tree(k.conrelid) AS r
            WHERE k.oid = ANY (v_children)
        );
        v_seen := ARRAY(SELECT unnest(v_seen) UNION SELECT unnest(v_tables));
    END LOOP;
END;
$_cascade_rows$;

COMMENT ON FUNCTION pgimport._cascade_rows(regclass, text, text) IS
'internal: rows that refer, directly or through others, to the rows of a query.';
