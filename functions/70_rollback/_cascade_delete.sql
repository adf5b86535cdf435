-- Deletes the rows of a query and all that refer to them, directly or through others: by one
-- statement, at whose end PostgreSQL looks whether any row refers to nothing (NO ACTION and
-- RESTRICT); those furthest away go first. Triggers run under the caller's search_path.
-- Rows are named by their ctids, so that a row which somebody changed since is not deleted, and
-- none that came since is followed: the caller compares deleted and cascaded with its plan, and
-- undoes all when they differ. Where foreign keys would delete or change rows by themselves, the
-- rows they refer to are locked (which asks for the right to update them) and looked for again.
-- The caller has locked the rows of p_doomed.
-- tables: {table: rows}. Other jobs that lose rows have an event rows_cascaded.
-- Called by _carry_out. Raises PI602, 42501, and whatever the tables raise.
CREATE OR REPLACE FUNCTION pgimport._cascade_delete(
    p_job_id uuid,
    p_relation regclass,
    p_doomed text,
    p_search_path text,
    p_allow_superuser boolean DEFAULT false,
    OUT deleted bigint,
    OUT cascaded bigint,
    OUT tables jsonb
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = on
AS $_cascade_delete$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    r_set record;
    v_counts bigint[];
BEGIN
    SELECT s.* INTO STRICT r_set FROM pgimport._cascade_set(p_relation, p_doomed) AS s;
    PERFORM pgimport._refuse_foreign_code(t.child, p_allow_superuser)
    FROM unnest(r_set.children) AS t (child);
    IF pgimport._lock_cascade(r_set.children, r_set.bounds, r_set.rels, r_set.tids) THEN
        SELECT s.* INTO STRICT r_set FROM pgimport._cascade_set(p_relation, p_doomed) AS s;
    END IF;
    PERFORM pgimport._cascade_history(
        p_job_id, r_set.children, r_set.bounds, r_set.rels, r_set.tids
    );

    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE pgimport._cascade_delete_sql(r_set.children, r_set.bounds)
    INTO v_counts USING r_set.rels, r_set.tids;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    PERFORM pgimport._log_cascade(p_job_id, r_set.jobs);
    -- the rows of the query are the last
    deleted := v_counts[cardinality(v_counts)];
    SELECT
        coalesce(sum(c.rows), 0),
        coalesce(jsonb_object_agg(c.child::text, c.rows), '{}')
    INTO cascaded, tables
    FROM unnest(r_set.children, v_counts) WITH ORDINALITY AS c (child, rows, place)
    WHERE c.place < cardinality(v_counts);
END;
$_cascade_delete$;

COMMENT ON FUNCTION
pgimport._cascade_delete(uuid, regclass, text, text, boolean) IS
'internal: deletes rows and all that refer to them, in one statement.';

-- The rows that _cascade_delete deletes, table by table, those furthest away first, the rows of the
-- query last: rels and tids of children[n] are those up to bounds[n]. jobs: [{job_id, rows}] of
-- the jobs that had inserted them. Called by _cascade_delete.
CREATE OR REPLACE FUNCTION pgimport._cascade_set(
    p_relation regclass,
    p_doomed text,
    OUT children regclass[],
    OUT bounds integer[],
    OUT rels oid[],
    OUT tids tid[],
    OUT jobs jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_cascade_set$
DECLARE
    r_part record;
BEGIN
    jobs := '[]'::jsonb;
    FOR r_part IN
        WITH hit AS MATERIALIZED (
            SELECT h.*, k.conrelid
            FROM pgimport._cascade_rows(p_relation, p_doomed, 'deleted') AS h
            LEFT JOIN pg_constraint AS k ON k.oid = h.constraint_oid
            WHERE h.depth = 0 OR k.confdeltype IN ('a', 'r', 'c')
        ),

        -- a row may be found by two keys, or by those of a table and of its partition
        one AS MATERIALIZED (
            SELECT DISTINCT ON (u.rel, u.tid)
                h.conrelid, h.depth, u.rel, u.tid,
                CASE WHEN h.job_ids IS NOT NULL THEN u.job_id END AS job_id
            FROM hit AS h
            CROSS JOIN LATERAL unnest(h.rels, h.tids, h.job_ids) AS u (rel, tid, job_id)
            WHERE h.depth > 0
            ORDER BY u.rel, u.tid, h.depth, h.conrelid
        )

        SELECT
            o.conrelid::regclass AS child,
            max(o.depth) AS depth,
            array_agg(o.rel ORDER BY o.rel, o.tid) AS rels,
            array_agg(o.tid ORDER BY o.rel, o.tid) AS tids,
            (
                SELECT jsonb_agg(jsonb_build_object('job_id', j.job_id, 'rows', j.rows))
                FROM (
                    SELECT w.job_id, count(*) AS rows
                    FROM one AS w
                    WHERE w.conrelid = o.conrelid AND w.job_id IS NOT NULL
                    GROUP BY w.job_id
                ) AS j
            ) AS jobs
        FROM one AS o
        GROUP BY o.conrelid
        UNION ALL
        SELECT p_relation, 0, h.rels, h.tids, NULL FROM hit AS h WHERE h.depth = 0
        ORDER BY depth DESC, child
    LOOP
        children := children || r_part.child;
        rels := rels || r_part.rels;
        tids := tids || r_part.tids;
        bounds := bounds || coalesce(cardinality(rels), 0);
        jobs := jobs || coalesce(r_part.jobs, '[]');
    END LOOP;
END;
$_cascade_set$;

COMMENT ON FUNCTION pgimport._cascade_set(regclass, text) IS
'internal: the rows that a cascade deletes, table by table.';

-- SQL for the rows of one table of a _cascade_set: those named by $1 and $2 from one place to
-- another. Called by _lock_cascade and _cascade_delete_sql.
CREATE OR REPLACE FUNCTION pgimport._cascade_part_sql(
    p_child regclass,
    p_first integer,
    p_last integer,
    OUT relation text,
    OUT named text,
    OUT condition text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_cascade_part_sql$
DECLARE
    v_is_plain boolean := (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = p_child);
BEGIN
    relation := CASE WHEN v_is_plain THEN 'ONLY ' ELSE '' END || p_child::text;
    -- the planner knows how many rows one array holds
    named := CASE WHEN v_is_plain
        THEN format('unnest(($2)[%s:%s]) AS u (tid)', p_first, p_last)
        ELSE format('unnest(($1)[%1$s:%2$s], ($2)[%1$s:%2$s]) AS u (rel, tid)', p_first, p_last)
    END;
    condition := 'c.ctid = u.tid' || CASE WHEN v_is_plain THEN ''
        ELSE ' AND c.tableoid = u.rel' END;
END;
$_cascade_part_sql$;

COMMENT ON FUNCTION pgimport._cascade_part_sql(regclass, integer, integer) IS
'internal: SQL for the rows of one table that a cascade deletes.';

-- The statement of _cascade_delete; it gives an array of counts, one a table.
CREATE OR REPLACE FUNCTION pgimport._cascade_delete_sql(
    p_children regclass[],
    p_bounds integer[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_cascade_delete_sql$
BEGIN
    RETURN (
        SELECT format(
            'WITH %s SELECT ARRAY[%s]',
            string_agg(format(
                'd%s AS (DELETE FROM %s AS c USING %s WHERE %s RETURNING 1)',
                c.place, s.relation, s.named, s.condition
            ), ', ' ORDER BY c.place),
            string_agg(format('(SELECT count(*) FROM d%s)', c.place), ', ' ORDER BY c.place)
        )
        FROM unnest(p_children, p_bounds) WITH ORDINALITY AS c (child, bound, place)
        CROSS JOIN LATERAL pgimport._cascade_part_sql(
            c.child, coalesce(p_bounds[c.place::integer - 1], 0) + 1, c.bound
        ) AS s
    );
END;
$_cascade_delete_sql$;

COMMENT ON FUNCTION pgimport._cascade_delete_sql(regclass[], integer[]) IS
'internal: the statement that deletes rows and all that refer to them.';

-- Locks the rows of a _cascade_set to which foreign keys refer that would delete or change other
-- rows by themselves: none may come between the count and the delete. Tells whether it locked any;
-- the rows of the query, the last of the set, were locked before. Called by _cascade_delete.
CREATE OR REPLACE FUNCTION pgimport._lock_cascade(
    p_children regclass[],
    p_bounds integer[],
    p_rels oid[],
    p_tids tid[]
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_lock_cascade$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_locked boolean := false;
    r_part record;
BEGIN
    FOR r_part IN
        SELECT s.*
        FROM unnest(p_children, p_bounds) WITH ORDINALITY AS c (child, bound, place)
        CROSS JOIN LATERAL pgimport._cascade_part_sql(
            c.child, coalesce(p_bounds[c.place::integer - 1], 0) + 1, c.bound
        ) AS s
        WHERE c.place < cardinality(p_children)
            AND EXISTS (
                SELECT FROM pgimport._cascade_edges(
                    ARRAY(SELECT r::oid FROM pgimport._table_tree(c.child) AS r)
                ) AS e
                WHERE e.on_delete IN ('cascade', 'set null', 'set default')
            )
        ORDER BY c.child::oid
    LOOP
        EXECUTE format(
            'SELECT FROM %s AS c INNER JOIN %s ON %s ORDER BY c.tableoid, c.ctid FOR UPDATE OF c',
            r_part.relation, r_part.named, r_part.condition
        ) USING p_rels, p_tids;
        v_locked := true;
    END LOOP;
    RETURN v_locked;
END;
$_lock_cascade$;

COMMENT ON FUNCTION pgimport._lock_cascade(regclass[], integer[], oid[], tid[]) IS
'internal: locks rows that a cascade deletes, where keys refer to them that act by themselves.';
