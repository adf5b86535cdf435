-- Whether a column's default is the same each time it is computed: false for nextval() and random
-- numbers. Called by _key_sql: only a steady default can be compared before the row is written.
CREATE OR REPLACE FUNCTION pgimport._is_steady_default(
    p_relation regclass,
    p_column_no integer
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_steady_default$
DECLARE
    v_functions oid[];
BEGIN
    SELECT ARRAY(
        SELECT m.found[1]
        FROM regexp_matches(d.adbin::text, ':(?:op)?funcid ([0-9]+)', 'g') AS m (found)
    )::oid[] INTO v_functions
    FROM pg_attrdef AS d
    WHERE d.adrelid = p_relation AND d.adnum = p_column_no;

    RETURN NOT EXISTS (
        SELECT FROM pg_proc AS p WHERE p.oid = ANY (v_functions) AND p.provolatile = 'v'
    );
END;
$_is_steady_default$;

COMMENT ON FUNCTION pgimport._is_steady_default(regclass, integer) IS
'internal: whether a column''s default is the same each time it is computed.';

-- SQL that compares staged keys with each other and with the target, exactly as the unique index
-- compares them: its input type, its operators, its collations.
-- staged_keys: SELECT of (file_no, row_no, k1, k2 …) of all valid staged rows, in index order; a
-- part that no file fills is the table's default.
-- columns: 'k1, k2 …'. equal(a, b) is written out as staged_equal (aliases k and d, both staged)
-- and target_equal (aliases k staged and t the target). target_keys: 't.… AS k1, …'.
-- Nulls equal nothing unless the index says NULLS NOT DISTINCT.
-- Called by _mark_duplicates and _recheck_duplicates.
CREATE OR REPLACE FUNCTION pgimport._key_sql(
    p_job pgimport.job,
    OUT staged_keys text,
    OUT columns text,
    OUT staged_equal text,
    OUT target_equal text,
    OUT target_keys text,
    OUT fresh_equal text,
    OUT nulls_not_distinct boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_key_sql$
DECLARE
    v_rows text := format('pgimport_staging.%I', pgimport._staging_name(p_job.job_id));
    v_keys text;
    v_relation regclass;
BEGIN
    SELECT pgimport._target_relation(t) INTO STRICT v_relation
    FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;

    -- invalid rows are taken out behind an optimisation fence: their keys must not be cast
    IF p_job.invalid_rows > 0 THEN
        v_rows := format(
            '(SELECT r.* FROM %s AS r WHERE NOT EXISTS ('
            'SELECT FROM pgimport_staging.%I AS m WHERE m.kind = ''x'' '
            'AND m.file_no = r.file_no AND m.row_no = r.row_no) OFFSET 0)',
            v_rows, pgimport._staging_name(p_job.job_id, '_mark')
        );
    END IF;

    WITH part AS (
        SELECT
            k.index_position AS place,
            format('k%s', k.index_position) AS name,
            concat(
                '(',
                CASE
                    WHEN d.is_steady AND w.column_name IS NOT NULL THEN w.write_sql
                    WHEN d.is_steady THEN format('(%s)::%s', c.default_expr, k.type_name)
                    ELSE coalesce(w.typed_sql, 'NULL::' || k.type_name)
                END,
                ')', '::' || k.compare_type, ' COLLATE ' || k.collation_name
            ) AS staged_sql,
            concat(
                format('t.%I', k.column_name), '::' || k.compare_type,
                ' COLLATE ' || k.collation_name
            ) AS target_sql,
            k.equal_operator AS op,
            k.nulls_not_distinct AS same_nulls,
            NOT c.not_null AS nullable
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
                WHEN p.same_nulls AND p.nullable
                    THEN '(%1$s %2$s %3$s OR (%1$s IS NULL AND %3$s IS NULL))'
                ELSE '%1$s %2$s %3$s'
            END AS pattern
        FROM part AS p
    )

    SELECT
        string_agg(c.staged_sql || ' AS ' || c.name, ', ' ORDER BY c.place),
        string_agg(c.name, ', ' ORDER BY c.place),
        string_agg(format('d.%1$s %2$s k.%1$s', c.name, c.op), ' AND ' ORDER BY c.place),
        string_agg(
            format(c.pattern, c.target_sql, c.op, 'k.' || c.name), ' AND ' ORDER BY c.place
        ),
        string_agg(c.target_sql || ' AS ' || c.name, ', ' ORDER BY c.place),
        string_agg(
            format(c.pattern, 'f.' || c.name, c.op, 'k.' || c.name), ' AND ' ORDER BY c.place
        ),
        bool_or(c.same_nulls AND c.nullable)
    INTO
        v_keys, columns, staged_equal, target_equal, target_keys, fresh_equal,
        nulls_not_distinct
    FROM compared AS c;

    staged_keys := format('SELECT s.file_no, s.row_no, %s FROM %s AS s', v_keys, v_rows);
END;
$_key_sql$;

COMMENT ON FUNCTION pgimport._key_sql(pgimport.job) IS
'internal: SQL fragments that compare staged keys as the unique index of the target does.';
