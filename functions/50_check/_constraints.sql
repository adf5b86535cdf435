-- The constraints of a target, compiled: for each the SQL condition that is true where a row of
-- _row_sql() (alias r) breaks it, so that a set of rows is judged by one query. The names inside
-- are those of the table, as pg_get_expr() writes them.
-- kind: check (also a partition to be found and generated columns to be computed), foreign_key.
-- columns: those it is about; shown: those whose values tell a person why.
-- needs: the columns it depends on, down to those that are read. skipped: why it cannot be judged
-- before the insert, null where it can.
-- p_merged: over the rows that a job updates, as they are afterwards: what the update does not
-- touch and PostgreSQL would not look at again is left out.
-- Unique and exclusion constraints compare rows with each other: _unique_constraints().
-- Called by _check_constraints, _constraint_warnings and _check_hash.
CREATE OR REPLACE FUNCTION pgimport._constraints(
    p_job pgimport.job,
    p_relation regclass,
    p_merged boolean DEFAULT false
)
RETURNS TABLE (
    code text,
    kind text,
    columns text[],
    shown text[],
    needs text[],
    condition text,
    detail text,
    is_self boolean,
    skipped text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_constraints$
#variable_conflict use_column
DECLARE
    v_touched text[] := CASE WHEN p_merged
        THEN ARRAY(SELECT m.column_name FROM pgimport._merge_columns(p_job) AS m) END;
BEGIN
    RETURN QUERY
    WITH compiled AS (
        SELECT
            'check:' || c.conname AS code,
            'check' AS kind,
            pgimport._column_names(p_relation, c.conkey) AS columns,
            format('(%s) IS FALSE', pg_get_expr(c.conbin, c.conrelid)) AS condition,
            pg_get_expr(c.conbin, c.conrelid) AS detail,
            false AS is_self,
            CASE
                WHEN 0 >= ANY (c.conkey) OR c.conbin::text LIKE '%:varattno 0 %' THEN 'it looks at the whole row or a system column'
                WHEN NOT pgimport._may_run(p_relation, c.conbin) THEN
                    'it calls functions of the table''s owner'
            END AS skipped
        FROM pg_constraint AS c
        WHERE c.conrelid = p_relation
            AND c.contype = 'c'
            AND NOT to_jsonb(c) @> '{"conenforced": false}'
        UNION ALL
        SELECT g.code, 'check', g.columns, g.condition, g.detail, false, g.skipped
        FROM pgimport._generated_constraints(p_relation) AS g
        UNION ALL
        SELECT
            'no_partition', 'check', p.columns,
            format('(%s) IS NOT TRUE', p.condition), NULL, false, NULL
        FROM pgimport._partition_condition(p_relation) AS p
        WHERE p.condition IS NOT NULL
        UNION ALL
        -- a period of a key that must not overlap must not be empty, either
        SELECT
            'exclusion:' || c.conname, 'check',
            pgimport._column_names(p_relation, c.conkey),
            format('isempty(%I)', a.attname), NULL, false, NULL
        FROM pg_constraint AS c
        INNER JOIN pg_attribute AS a
            ON a.attrelid = c.conrelid AND a.attnum = c.conkey[cardinality(c.conkey)]
        WHERE c.conrelid = p_relation
            AND c.contype IN ('p', 'u')
            AND to_jsonb(c) @> '{"conperiod": true}'
        UNION ALL
        SELECT 'check:' || l.conname, 'check', l.columns, l.condition, l.detail, false, l.skipped
        FROM pgimport._partition_checks(p_relation) AS l
        UNION ALL
        -- an index may fail to compute what it holds: never true, but has to be computed
        SELECT
            'index:' || x.relname, 'check',
            pgimport._column_names(p_relation, array_remove(i.indkey::smallint[], 0::smallint)),
            format(
                'CASE WHEN %s THEN pg_column_size(ROW(%s)) < 0 ELSE false END',
                coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
                (
                    SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ')
                    FROM generate_series(1, i.indnkeyatts) AS k
                )
            ),
            pg_get_indexdef(i.indexrelid), false,
            CASE WHEN NOT (
                (i.indexprs IS NULL OR pgimport._may_run(p_relation, i.indexprs))
                AND (i.indpred IS NULL OR pgimport._may_run(p_relation, i.indpred))
            ) THEN 'it calls functions of the table''s owner' END
        FROM pg_index AS i
        INNER JOIN pg_class AS x ON x.oid = i.indexrelid
        WHERE i.indrelid = p_relation
            AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
        UNION ALL
        SELECT f.code, 'foreign_key', f.columns, f.condition, f.detail, f.is_self, f.skipped
        FROM pgimport._foreign_keys(p_relation) AS f
        UNION ALL
        SELECT f.code, 'foreign_key', f.columns, f.condition, f.detail, false, f.skipped
        FROM pgimport._referring_keys(p_relation, v_touched) AS f
        WHERE p_merged
        UNION ALL
        -- rows that are in the target need no value
        SELECT
            'required', 'check', ARRAY[w.column_name],
            concat(
                format('num_nulls(%I) = 1', w.column_name),
                CASE WHEN w.is_text
                    THEN format(' OR %I::text COLLATE "C" = ''''', w.column_name) END
            ), NULL, false, NULL
        FROM pgimport._written_columns(p_job) AS w
        WHERE w.required_later AND NOT p_merged
        UNION ALL
        -- a null that was there before the table began to forbid it
        SELECT
            'required', 'check', pgimport._column_names(p_relation, c.conkey),
            format('num_nulls(%I) = 1', a.attname), NULL, false, NULL
        FROM pg_constraint AS c
        INNER JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE p_merged
            AND c.conrelid = p_relation
            AND c.contype = 'n'
            AND NOT c.convalidated
            AND a.attgenerated = ''
    ),

    known AS MATERIALIZED (
        SELECT r.* FROM pgimport._row_columns(p_job, p_relation, p_merged) AS r
    ),

    needed AS (
        SELECT
            c.*,
            EXISTS (
                SELECT FROM known AS r
                WHERE r.column_name = ANY (c.columns) AND r.level = 1
            ) AS is_generated,
            ARRAY(
                SELECT DISTINCT n.name
                FROM known AS r
                CROSS JOIN LATERAL unnest(r.needs || r.column_name) AS n (name)
                WHERE r.column_name = ANY (c.columns)
            ) AS needs
        FROM compiled AS c
    )

    SELECT
        n.code, n.kind, n.columns,
        CASE WHEN n.is_generated THEN n.needs ELSE n.columns END,
        n.needs, n.condition, n.detail, n.is_self,
        coalesce(n.skipped, (
            SELECT format('column "%s" is not known before the insert', r.column_name)
            FROM known AS r
            WHERE r.column_name = ANY (n.needs) AND NOT r.is_known
            LIMIT 1
        ))
    FROM needed AS n
    WHERE NOT p_merged
        OR n.code = 'required'
        OR n.code LIKE 'check:%'
        -- what an expression of an index reads is not among its columns
        OR n.code LIKE 'index:%'
        OR n.needs && v_touched
    ORDER BY n.kind, n.code;
END;
$_constraints$;

COMMENT ON FUNCTION pgimport._constraints(pgimport.job, regclass, boolean) IS
'internal: the constraints of a target, each as a condition over rows that are to be inserted.';

-- The names of some columns of a table by their numbers. Called by the readers of the catalog.
CREATE OR REPLACE FUNCTION pgimport._column_names(
    p_relation regclass,
    p_numbers smallint[]
)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_column_names$
BEGIN
    RETURN ARRAY(
        SELECT a.attname::text
        FROM unnest(p_numbers) WITH ORDINALITY AS n (number, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = p_relation AND a.attnum = n.number
        WHERE n.number > 0
        ORDER BY n.place
    );
END;
$_column_names$;

COMMENT ON FUNCTION pgimport._column_names(regclass, smallint[]) IS
'internal: the names of columns by their numbers.';

-- Whether the current role may run an expression of a table: a superuser does not run functions of
-- somebody else's unasked. Called by _constraints, _generated_constraints, _unique_constraints.
CREATE OR REPLACE FUNCTION pgimport._may_run(
    p_relation regclass,
    p_expression pg_node_tree
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_may_run$
BEGIN
    RETURN NOT EXISTS (
        SELECT
        FROM regexp_matches(p_expression::text, ':(?:op)?funcid ([0-9]+)', 'g') AS m (parts)
        INNER JOIN pg_proc AS p ON p.oid = m.parts[1]::oid
        WHERE p.pronamespace <> 'pg_catalog'::regnamespace
    ) OR NOT EXISTS (
        SELECT
        FROM pg_roles AS r
        INNER JOIN pg_class AS c ON c.oid = p_relation
        INNER JOIN pg_roles AS o ON o.oid = c.relowner
        WHERE r.rolname = current_user
            AND (r.rolsuper OR r.rolbypassrls)
            AND o.rolname <> current_user
            AND NOT o.rolsuper
    );
END;
$_may_run$;

COMMENT ON FUNCTION pgimport._may_run(regclass, pg_node_tree) IS
'internal: whether the current role may run an expression of a table.';

-- What can go wrong with the generated columns of a table: their expression may fail, give null
-- where that is forbidden, or give too long a text. Called by _constraints.
CREATE OR REPLACE FUNCTION pgimport._generated_constraints(
    p_relation regclass
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
AS $_generated_constraints$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        v.code,
        ARRAY[a.attname::text],
        v.condition,
        v.detail,
        CASE WHEN NOT pgimport._may_run(p_relation, d.adbin)
            THEN 'it calls functions of the table''s owner' END
    FROM pg_attribute AS a
    INNER JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL (VALUES
        ('required', format('%I IS NULL', a.attname), NULL, a.attnotnull),
        -- never true, but has to be computed
        (
            'generated:' || a.attname, format('pg_column_size(%I) < 0', a.attname),
            pg_get_expr(d.adbin, d.adrelid), a.attgenerated = 's' OR a.attnotnull
        ),
        (
            'too_long',
            format(
                'char_length(rtrim((%s)::text, '' '')) > %s',
                pg_get_expr(d.adbin, d.adrelid), a.atttypmod - 4
            ),
            (a.atttypmod - 4)::text,
            a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
            -- a virtual one is computed where a constraint reads it
            AND (a.attgenerated = 's' OR a.attnotnull OR EXISTS (
                SELECT FROM pg_constraint AS c
                WHERE c.conrelid = p_relation AND c.contype = 'c' AND a.attnum = ANY (c.conkey)
            ))
        )
    ) AS v (code, condition, detail, is_needed)
    WHERE a.attrelid = p_relation
        AND a.attgenerated <> ''
        AND NOT a.attisdropped
        AND v.is_needed;
END;
$_generated_constraints$;

COMMENT ON FUNCTION pgimport._generated_constraints(regclass) IS
'internal: what can go wrong with the generated columns of a table.';

-- The condition under which a partitioned table has a partition for a row, null where it always
-- has. Called by _constraints.
CREATE OR REPLACE FUNCTION pgimport._partition_condition(
    p_relation regclass,
    OUT columns text[],
    OUT condition text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_partition_condition$
BEGIN
    SELECT
        pgimport._column_names(p_relation, string_to_array(p.partattrs::text, ' ')::smallint[]),
        CASE
            WHEN count(l.relid) = 0 THEN 'false'
            WHEN bool_or(pg_get_partition_constraintdef(l.relid) IS NULL) THEN NULL
            ELSE string_agg(format('(%s)', pg_get_partition_constraintdef(l.relid)), ' OR ')
        END
    INTO columns, condition
    FROM pg_partitioned_table AS p
    LEFT JOIN pg_partition_tree(p_relation) AS l ON l.isleaf AND l.relid <> p_relation
    WHERE p.partrelid = p_relation
    GROUP BY p.partattrs;
END;
$_partition_condition$;

COMMENT ON FUNCTION pgimport._partition_condition(regclass) IS
'internal: the condition under which a partitioned table has a partition for a row.';

-- The CHECK constraints that only some partitions have, each with the condition of its partition.
-- Called by _constraints.
CREATE OR REPLACE FUNCTION pgimport._partition_checks(
    p_relation regclass
)
RETURNS TABLE (
    conname text,
    columns text[],
    condition text,
    detail text,
    skipped text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_partition_checks$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        c.conname::text,
        pgimport._column_names(c.conrelid, c.conkey),
        format(
            'CASE WHEN %s THEN (%s) IS FALSE ELSE false END',
            coalesce(pg_get_partition_constraintdef(c.conrelid), 'true'),
            pg_get_expr(c.conbin, c.conrelid)
        ),
        pg_get_expr(c.conbin, c.conrelid),
        CASE
            WHEN 0 >= ANY (c.conkey) OR c.conbin::text LIKE '%:varattno 0 %' THEN 'it looks at the whole row or a system column'
            WHEN NOT pgimport._may_run(c.conrelid, c.conbin)
                THEN 'it calls functions of the table''s owner'
        END
    FROM pg_partition_tree(p_relation) AS l
    INNER JOIN pg_constraint AS c
        ON c.conrelid = l.relid AND c.contype = 'c' AND c.coninhcount = 0
    WHERE l.relid <> p_relation AND NOT to_jsonb(c) @> '{"conenforced": false}';
END;
$_partition_checks$;

COMMENT ON FUNCTION pgimport._partition_checks(regclass) IS
'internal: the CHECK constraints that only some partitions of a table have.';

-- Whether a table has anything that _constraints() would compile: most have not, and asking the
-- catalog once is cheap. Called by _check_constraints and _constraint_warnings.
CREATE OR REPLACE FUNCTION pgimport._is_constrained(
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_is_constrained$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_constraint AS c
        WHERE c.conrelid = p_relation AND c.contype IN ('c', 'f')
    ) OR EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND a.attgenerated <> '' AND NOT a.attisdropped
    ) OR EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = p_relation AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
    ) OR EXISTS (
        SELECT FROM pg_partitioned_table AS p WHERE p.partrelid = p_relation
    );
END;
$_is_constrained$;

COMMENT ON FUNCTION pgimport._is_constrained(regclass) IS
'internal: whether a table has constraints to be compiled.';
