-- Whether the schema of staging holds a table of this name. Called where a table may be missing.
CREATE OR REPLACE FUNCTION pgimport._is_staged(
    p_name text
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_staged$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.relname = p_name
            AND c.relnamespace = (
                SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = 'pgimport_staging'
            )
    );
END;
$_is_staged$;

COMMENT ON FUNCTION pgimport._is_staged(text) IS
'internal: whether a staging table exists.';

-- Whether the rows that a job updates have to be judged as they are afterwards, and apart from
-- those that it inserts: it updates, and its target has constraints that an update may break.
-- Called by _check_constraints.
CREATE OR REPLACE FUNCTION pgimport._needs_merged(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_needs_merged$
BEGIN
    RETURN coalesce(p_job.options ->> 'on_duplicate' = 'update', false) AND (
        pgimport._is_constrained(p_relation)
        OR EXISTS (SELECT FROM pgimport._written_columns(p_job) AS w WHERE w.required_later)
        OR EXISTS (
            SELECT FROM pgimport._unique_constraints(p_job, p_relation) AS u
            WHERE u.skipped IS NULL AND u.needs && ARRAY(
                SELECT m.column_name FROM pgimport._merge_columns(p_job) AS m
            )
        )
    );
END;
$_needs_merged$;

COMMENT ON FUNCTION pgimport._needs_merged(pgimport.job, regclass) IS
'internal: whether rows that a job updates have to be judged as they are afterwards.';

-- Stores the rows of the target that a job updates as they are afterwards: c<column_no> of every
-- column that is not computed, beside the staged row it comes from (file_no, row_no), the place of
-- the row in the target (rel, tid), and whether nothing changes (same). While this table is there,
-- the rows of _row_sql() are those that are inserted. A column that the caller may not read and the
-- job does not write is left out.
-- Called by _check_constraints; dropped by _mark_duplicates and validate_job.
CREATE OR REPLACE FUNCTION pgimport._store_merged(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on
SET jit = off
AS $_store_merged$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_merged CONSTANT text := pgimport._staging_name(p_job.job_id, '_merged');
    c_value CONSTANT text := pgimport._staging_name(p_job.job_id, '_value');
    v_memory text := pgimport._raise_memory();
    v_rows bigint;
    v_columns text;
    v_same text;
    r_key record;
BEGIN
    PERFORM pgimport._drop_staged(c_merged);
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    SELECT
        string_agg(
            format(', %s AS c%s', coalesce(m.merge_sql, format('t.%I', a.attname)), a.attnum), ''
            ORDER BY a.attnum
        ),
        string_agg(
            format(
                '%s IS NOT DISTINCT FROM %s',
                pgimport._checksum_item(m.merge_sql, m.type_oid),
                pgimport._checksum_item(format('t.%I', a.attname), m.type_oid)
            ), ' AND '
        ) FILTER (WHERE m.column_name IS NOT NULL)
    INTO v_columns, v_same
    FROM pg_attribute AS a
    LEFT JOIN pgimport._merge_columns(p_job) AS m ON m.column_name = a.attname
    WHERE a.attrelid = p_relation
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND a.attgenerated = ''
        AND (
            m.column_name IS NOT NULL
            OR has_column_privilege(p_relation, a.attnum, 'SELECT')
        );

    EXECUTE format('SELECT count(*) FROM pgimport_staging.%I', c_value) INTO v_rows;
    PERFORM pgimport._plan_keys(v_rows, p_relation);
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I WITH (autovacuum_enabled = false) AS '
        'SELECT v.file_no, v.row_no, t.tableoid AS rel, t.ctid AS tid, %s AS same%s '
        'FROM (%s) AS k INNER JOIN pgimport_staging.%I AS v '
        'ON v.file_no = k.file_no AND v.row_no = k.row_no INNER JOIN %s AS t ON %s',
        c_merged,
        coalesce(v_same, 'true'),
        v_columns,
        r_key.staged_keys,
        c_value,
        p_relation,
        r_key.target_equal
    );
    EXECUTE format('ANALYZE pgimport_staging.%I (file_no, row_no, same)', c_merged);
    PERFORM set_config('work_mem', v_memory, true);
END;
$_store_merged$;

COMMENT ON FUNCTION pgimport._store_merged(pgimport.job, regclass) IS
'internal: stores the rows of the target that a job updates as they are afterwards.';

-- Forgets the invalid rows whose key is in the target, or is not known: as rows to be inserted they
-- would be judged wrongly. Called by _check_constraints.
CREATE OR REPLACE FUNCTION pgimport._drop_doubts(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_drop_doubts$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_doubt CONSTANT text := pgimport._staging_name(p_job.job_id, '_doubt');
    r_key record;
BEGIN
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    EXECUTE format(
        'DELETE FROM pgimport_staging.%1$I AS d WHERE d.bad && %2$L OR EXISTS ('
        'SELECT FROM (%3$s) AS k INNER JOIN %4$s AS t ON %5$s '
        'WHERE k.file_no = d.file_no AND k.row_no = d.row_no)',
        c_doubt,
        (
            SELECT array_agg(k.column_name)
            FROM pgimport._key_columns(p_job.target_id) AS k
        ),
        replace(
            r_key.staged_keys,
            format('pgimport_staging.%I AS v', pgimport._staging_name(p_job.job_id, '_value')),
            format('pgimport_staging.%I AS v', c_doubt)
        ),
        p_relation,
        r_key.target_equal
    );
END;
$_drop_doubts$;

COMMENT ON FUNCTION pgimport._drop_doubts(pgimport.job, regclass) IS
'internal: forgets the invalid rows of a job that might be updates.';
