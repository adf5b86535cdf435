-- SQL of a 64-bit hash over the columns of a key, equal for equal keys; null when one of them has
-- no hash function that goes with the index's equality. Called by _key_sql.
CREATE OR REPLACE FUNCTION pgimport._key_hash_sql(
    p_hashable boolean,
    p_columns text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_hashable THEN format('pg_catalog.hash_record_extended(ROW(%s), 0)', p_columns)
END;

COMMENT ON FUNCTION pgimport._key_hash_sql(boolean, text) IS
'internal: SQL of a 64-bit hash over the columns of a key.';

-- SQL that compares a job's keys with each other and with the target, exactly as the unique index
-- compares them: its input type, its operators, its collations.
-- staged_keys: SELECT of (file_no, row_no, k1, k2 …) of all valid staged rows, or those of the
-- batch that is being written, in index order; a
-- part that no file fills is the table's default. columns: 'k.k1, k.k2 …' of their alias k.
-- hash: a 64-bit hash of k, equal for equal keys; null when there is none. repeated_hashes: SELECT
-- of those that occur more than once. complete: condition on k without which nothing is equal to
-- it (nulls). repeated: condition on k without which its key cannot occur
-- more than once; where there is a hash, that must be one of the repeated ones besides.
-- target_equal compares k with the target's t; fresh_equal k with f, a row of target_keys:
-- 't.… AS k1, …'. Nulls equal nothing unless the index says NULLS NOT DISTINCT.
-- Soft-deleted rows that the index leaves out hold no key: target_equal and fresh_equal say so. A
-- job that creates whatever the key (on_duplicate create) has no duplicates: nothing is equal.
-- Called by _mark_duplicates, _recheck_duplicates, preview and insert. Raises PI204, PI212.
CREATE OR REPLACE FUNCTION pgimport._key_sql(
    p_job pgimport.job,
    OUT staged_keys text,
    OUT columns text,
    OUT hash text,
    OUT repeated_hashes text,
    OUT repeated text,
    OUT complete text,
    OUT target_equal text,
    OUT target_keys text,
    OUT fresh_equal text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_key_sql$
DECLARE
    v_relation regclass;
    v_target_hash text;
    v_fresh_hash text;
    v_equal text;
    v_same_nulls boolean;
    v_living text;
    v_target pgimport.target;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    v_relation := pgimport._target_relation(v_target);
    PERFORM pgimport._require_key(v_target, p_job.options ->> 'on_duplicate');

    WITH part AS (
        SELECT
            k.index_position AS place,
            format('k%s', k.index_position) AS name,
            concat(
                '(',
                CASE
                    WHEN d.is_steady AND w.column_name IS NOT NULL THEN w.write_sql
                    WHEN d.is_steady THEN format('(%s)::%s', c.default_expr, k.type_name)
                    ELSE coalesce(w.value_sql, 'NULL::' || k.type_name)
                END,
                ')', '::' || k.compare_type, ' COLLATE ' || k.collation_name
            ) AS staged_sql,
            concat(
                format('t.%I', k.column_name), '::' || k.compare_type,
                ' COLLATE ' || k.collation_name
            ) AS target_sql,
            k.equal_operator AS op,
            k.nulls_not_distinct AND NOT c.not_null AS same_nulls,
            k.hashable,
            k.living_sql,
            EXISTS (
                SELECT FROM pg_type AS y WHERE y.oid = c.base_type AND y.typtype = 'c'
            ) AS is_composite
        FROM pgimport._key_columns(p_job.target_id) AS k
        INNER JOIN pgimport._target_columns(p_job.target_id) AS c
            ON c.column_name = k.column_name
        LEFT JOIN pgimport._written_columns(p_job) AS w ON w.column_name = k.column_name
        CROSS JOIN LATERAL (
            SELECT c.has_default AND pgimport._is_steady_default(v_relation, c.column_no)
                AS is_steady
        ) AS d
    ),

    compared AS (
        SELECT
            p.*,
            CASE
                WHEN p.same_nulls THEN '(%1$s %2$s %3$s OR (%1$s IS NULL AND %3$s IS NULL))'
                ELSE '%1$s %2$s %3$s'
            END AS pattern,
            -- IS NOT NULL is false for a row with a null in it, too
            CASE WHEN p.is_composite THEN 'num_nulls(k.%s) = 0' ELSE 'k.%s IS NOT NULL' END
            AS not_null_pattern
        FROM part AS p
    )

    SELECT
        format(
            'SELECT v.file_no, v.row_no, %s FROM pgimport_staging.%I AS v%s',
            string_agg(c.staged_sql || ' AS ' || c.name, ', ' ORDER BY c.place),
            pgimport._staging_name(p_job.job_id, '_value'),
            ' WHERE ' || nullif(pgimport._window_sql(p_job, 'v'), 'true')
        ),
        string_agg('k.' || c.name, ', ' ORDER BY c.place),
        string_agg(
            format(c.pattern, c.target_sql, c.op, 'k.' || c.name), ' AND ' ORDER BY c.place
        ),
        string_agg(c.target_sql || ' AS ' || c.name, ', ' ORDER BY c.place),
        string_agg(
            format(c.pattern, 'f.' || c.name, c.op, 'k.' || c.name), ' AND ' ORDER BY c.place
        ),
        string_agg(format('d.%1$s %2$s k.%1$s', c.name, c.op), ' AND ' ORDER BY c.place),
        pgimport._key_hash_sql(
            bool_and(c.hashable), string_agg('k.' || c.name, ', ' ORDER BY c.place)
        ),
        pgimport._key_hash_sql(
            bool_and(c.hashable), string_agg(c.target_sql, ', ' ORDER BY c.place)
        ),
        pgimport._key_hash_sql(
            bool_and(c.hashable), string_agg('f.' || c.name, ', ' ORDER BY c.place)
        ),
        coalesce(
            string_agg(format(c.not_null_pattern, c.name), ' AND ' ORDER BY c.place)
            FILTER (WHERE NOT c.same_nulls),
            'true'
        ),
        bool_or(c.same_nulls),
        max(c.living_sql)
    INTO
        staged_keys, columns, target_equal, target_keys, fresh_equal,
        v_equal, hash, v_target_hash, v_fresh_hash, complete, v_same_nulls, v_living
    FROM compared AS c;

    repeated := complete;
    IF hash IS NOT NULL THEN
        repeated_hashes := format(
            'SELECT %s FROM (%s) AS k WHERE %s GROUP BY 1 HAVING count(*) > 1',
            hash, staged_keys, complete
        );
    ELSIF NOT v_same_nulls THEN
        repeated := format(
            '%s AND EXISTS (SELECT FROM (SELECT %2$s FROM (%3$s) AS k GROUP BY %2$s '
            'HAVING count(*) > 1) AS d WHERE %4$s)', complete, columns, staged_keys, v_equal
        );
    END IF;

    -- by an OR alone every row would be compared with every row: equal hashes come before it
    IF v_same_nulls AND hash IS NOT NULL THEN
        target_equal := format('%s = %s AND %s', v_target_hash, hash, target_equal);
        fresh_equal := format('%s = %s AND %s', v_fresh_hash, hash, fresh_equal);
    END IF;

    IF v_living <> 'true' THEN
        target_equal := format('%s AND %s', v_living, target_equal);
        target_keys := format('%s, %s AS living', target_keys, v_living);
        fresh_equal := format('f.living AND %s', fresh_equal);
    END IF;

    IF p_job.options ->> 'on_duplicate' = 'create' THEN
        complete := 'false';
        repeated := 'false';
        repeated_hashes := NULL;
        target_equal := 'false';
        fresh_equal := 'false';
    END IF;
END;
$_key_sql$;

COMMENT ON FUNCTION pgimport._key_sql(pgimport.job) IS
'internal: SQL fragments that compare staged keys as the unique index of the target does.';
