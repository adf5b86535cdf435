-- The unique and exclusion constraints of a target beside its key, unique indexes included, as SQL
-- over rows that are to be inserted (alias r) and rows of the table (alias t).
-- relation: the table whose rows are compared with, the target or one partition.
-- keys: SELECT list "… AS k1, … AS k2" over the columns of the table under their own names, with
-- the collations of the index. predicate: of a partial index, or true. same: condition with which
-- two rows {a} and {b} are in conflict, by the operators of the index. order_keys: k1, k2 … as a
-- B-tree sorts them; null for an exclusion constraint. complete: condition on {a} without which it
-- conflicts with nothing (nulls). access: USING and columns of an index that finds conflicts.
-- skipped: why it cannot be judged before the insert.
-- Called by _mark_conflicts and _constraint_warnings.
CREATE OR REPLACE FUNCTION pgimport._unique_constraints(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS TABLE (
    constraint_no integer,
    code text,
    columns text[],
    shown text[],
    needs text[],
    detail text,
    relation regclass,
    keys text,
    predicate text,
    same text,
    complete text,
    order_keys text,
    access text,
    skipped text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_unique_constraints$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH guard AS (
        SELECT
            i.indexrelid, i.indrelid, i.indnullsnotdistinct AS same_nulls, i.indexprs, i.indpred,
            c.relname, c.relam, o.conname, o.conexclop,
            o.conexclop IS NOT NULL AS is_exclusion,
            k.place, k.opclass, k.collation_id,
            pg_get_indexdef(i.indexrelid, k.place::integer, true) AS expression,
            coalesce(o.conexclop[k.place], b.amopopr) AS operator
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        LEFT JOIN pg_constraint AS o
            ON o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')
        CROSS JOIN LATERAL unnest(i.indclass::oid[], i.indcollation::oid[])
            WITH ORDINALITY AS k (opclass, collation_id, place)
        INNER JOIN pg_opclass AS oc ON oc.oid = k.opclass
        LEFT JOIN pg_amop AS b
            ON b.amopfamily = oc.opcfamily
                AND b.amoplefttype = oc.opcintype
                AND b.amoprighttype = oc.opcintype
                AND b.amopstrategy = 3
                AND NOT i.indisexclusion
        WHERE (
            i.indrelid = p_relation
            -- an index that only one partition has
            OR (
                i.indrelid IN (
                    SELECT l.relid FROM pg_partition_tree(p_relation) AS l
                    WHERE l.relid <> p_relation
                )
                AND NOT EXISTS (
                    SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid
                )
            )
        )
            AND (i.indisunique OR i.indisexclusion)
            AND i.indislive
            AND k.place <= i.indnkeyatts
            AND i.indexrelid IS DISTINCT FROM (
                SELECT pgimport._key_index(
                    p_relation, t.key_columns, t.options ->> 'soft_delete'
                )
                FROM pgimport.target AS t WHERE t.target_id = p_job.target_id
            )
    ),

    named AS (
        SELECT
            g.*,
            format('OPERATOR(%I.%s)', n.nspname, o.oprname) AS op,
            format('k%s', g.place) AS name,
            concat(
                format('(%s)', g.expression),
                '::' || format_type(d.base_type, -1),
                CASE WHEN co.oid IS NOT NULL THEN format(' COLLATE %I.%I', cn.nspname, co.collname)
                END
            ) AS key_sql,
            format('%I.%I', ocn.nspname, oc.opcname) AS opclass_name
        FROM guard AS g
        INNER JOIN pg_operator AS o ON o.oid = g.operator
        INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        INNER JOIN pg_opclass AS oc ON oc.oid = g.opclass
        INNER JOIN pg_namespace AS ocn ON ocn.oid = oc.opcnamespace
        -- the operators of enums, arrays and ranges do not see through a domain
        LEFT JOIN pgimport._target_columns(p_job.target_id) AS d
            ON d.type_oid <> d.base_type AND quote_ident(d.column_name) = g.expression
        LEFT JOIN pg_collation AS co ON co.oid = g.collation_id
        LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
    ),

    compiled AS (
        SELECT
            n.indexrelid,
            concat(
                CASE WHEN n.is_exclusion THEN 'exclusion:' ELSE 'unique:' END,
                coalesce(n.conname, n.relname)
            ) AS code,
            string_agg(format('%s AS %s', n.key_sql, n.name), ', ' ORDER BY n.place) AS keys,
            n.indrelid::regclass AS relation,
            concat_ws(
                ' AND ',
                CASE WHEN n.indrelid <> p_relation
                    THEN pg_get_partition_constraintdef(n.indrelid) END,
                coalesce('(' || pg_get_expr(n.indpred, n.indrelid) || ')', 'true')
            ) AS predicate,
            string_agg(
                format(
                    CASE WHEN n.same_nulls
                        THEN '({a}.%1$s %2$s {b}.%1$s OR ({a}.%1$s IS NULL AND {b}.%1$s IS NULL))'
                        ELSE '{a}.%1$s %2$s {b}.%1$s' END,
                    n.name, n.op
                ), ' AND ' ORDER BY n.place
            ) AS same,
            CASE WHEN n.same_nulls THEN 'true' ELSE string_agg(
                -- IS NOT NULL is false for a row with a null in it, too
                format('num_nulls({a}.%s) = 0', n.name), ' AND ' ORDER BY n.place
            ) END AS complete,
            CASE WHEN NOT n.is_exclusion
                THEN string_agg(n.name, ', ' ORDER BY n.place) END AS order_keys,
            format('USING %I (%s)', am.amname, string_agg(
                format('%s %s', n.name, n.opclass_name), ', ' ORDER BY n.place
            )) AS access,
            (n.indexprs IS NULL OR pgimport._may_run(p_relation, n.indexprs))
            AND (n.indpred IS NULL OR pgimport._may_run(p_relation, n.indpred)) AS may_run,
            ARRAY(
                SELECT DISTINCT a.attname::text
                FROM pg_depend AS d
                INNER JOIN pg_attribute AS a
                    ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
                LEFT JOIN pg_constraint AS pc ON pc.conindid = n.indexrelid
                WHERE d.refobjid = n.indrelid
                    AND (
                        (d.classid = 'pg_class'::regclass AND d.objid = n.indexrelid)
                        OR (d.classid = 'pg_constraint'::regclass AND d.objid = pc.oid)
                    )
            ) AS columns
        FROM named AS n
        INNER JOIN pg_am AS am ON am.oid = n.relam
        GROUP BY
            n.indexrelid, n.indrelid, n.conname, n.relname, n.is_exclusion, n.same_nulls,
            n.indpred, n.indexprs, am.amname
    ),

    known AS MATERIALIZED (
        SELECT r.* FROM pgimport._row_columns(p_job, p_relation) AS r
    ),

    needed AS (
        SELECT c.*, ARRAY(
            SELECT DISTINCT m.name
            FROM known AS r
            CROSS JOIN LATERAL unnest(r.needs || r.column_name) AS m (name)
            WHERE r.column_name = ANY (c.columns)
        ) AS needs
        FROM compiled AS c
    )

    SELECT
        row_number() OVER (ORDER BY n.code)::integer,
        n.code,
        n.columns,
        n.columns,
        n.needs,
        pg_get_indexdef(n.indexrelid),
        n.relation,
        n.keys,
        n.predicate,
        n.same,
        n.complete,
        n.order_keys,
        n.access,
        CASE
            WHEN NOT n.may_run THEN 'it calls functions of the table''s owner'
            ELSE (
                SELECT format('column "%s" is not known before the insert', r.column_name)
                FROM known AS r
                WHERE r.column_name = ANY (n.needs) AND NOT r.is_known
                LIMIT 1
            )
        END
    FROM needed AS n;
END;
$_unique_constraints$;

COMMENT ON FUNCTION pgimport._unique_constraints(pgimport.job, regclass) IS
'internal: the unique and exclusion constraints of a target beside its key, as SQL.';

-- Whether a target has a unique or exclusion constraint beside its key that can be judged before
-- the insert: most have none but a primary key of serial numbers, and asking the catalog once is
-- cheap. True where it is not sure. Called by _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._is_guarded(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_is_guarded$
DECLARE
    v_key regclass;
    v_given text[];
BEGIN
    SELECT pgimport._key_index(p_relation, t.key_columns, t.options ->> 'soft_delete')
    INTO STRICT v_key
    FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;

    -- what a job may have a value for
    SELECT array_agg(g.column_name) INTO v_given
    FROM (
        SELECT o.column_name FROM pgimport._column_sources(p_job) AS o
        UNION ALL
        SELECT c.column_name FROM pgimport.target_column AS c
        WHERE c.target_id = p_job.target_id AND c.rules ?| '{default,required}'
    ) AS g;

    RETURN EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid IN (
            SELECT p_relation UNION ALL SELECT l.relid FROM pg_partition_tree(p_relation) AS l
        )
            AND (i.indisunique OR i.indisexclusion)
            AND i.indexrelid IS DISTINCT FROM v_key
            -- a value that is not known before the insert cannot be judged
            AND NOT EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = i.indrelid
                    AND a.attnum = ANY (i.indkey::smallint[])
                    AND a.attgenerated = ''
                    AND a.attname <> 'import_job_id'
                    AND a.attname <> ALL (coalesce(v_given, '{}'))
                    AND NOT pgimport._is_steady_default(i.indrelid, a.attnum)
            )
    );
END;
$_is_guarded$;

COMMENT ON FUNCTION pgimport._is_guarded(pgimport.job, regclass) IS
'internal: whether a target has a unique constraint beside its key that can be judged.';
