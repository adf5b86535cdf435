-- What is known of each column of the target in the rows that a job would insert: the SQL that
-- gives it from the job's table of values (alias v), the columns it depends on, and whether it is
-- known at all. A serial number or a random default is not known before the row is written;
-- unknown_sql gives the column's name for rows in which it takes one.
-- level: 0 for columns that are read or computed alone, 1 for generated ones, that are computed
-- from the others. p_merged: of the rows that are updated instead, as they are afterwards; of
-- these all is known that the caller may read.
-- Called by _row_sql, _constraints and _unique_constraints.
CREATE OR REPLACE FUNCTION pgimport._row_columns(
    p_job pgimport.job,
    p_relation regclass,
    p_merged boolean DEFAULT false
)
RETURNS TABLE (
    column_name text,
    level integer,
    is_known boolean,
    needs text[],
    column_sql text,
    unknown_sql text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_row_columns$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        a.attname::text,
        (a.attgenerated <> '')::integer,
        CASE
            WHEN p_merged AND a.attgenerated = ''
                THEN has_column_privilege(p_relation, a.attnum, 'SELECT')
            WHEN a.attname = 'import_job_id' OR w.column_name IS NOT NULL THEN true
            WHEN a.attidentity <> '' THEN false
            WHEN a.attgenerated = '' THEN s.is_steady
            ELSE true
        END,
        CASE WHEN a.attgenerated = '' THEN ARRAY[a.attname::text] ELSE ARRAY(
            SELECT n.attname::text
            FROM pg_depend AS d
            INNER JOIN pg_attribute AS n ON n.attrelid = d.refobjid AND n.attnum = d.refobjsubid
            WHERE d.refobjid = p_relation
                AND d.refobjsubid <> a.attnum
                AND d.refobjsubid > 0
                AND (
                    (d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid)
                    OR (
                        d.classid = 'pg_class'::regclass
                        AND d.objid = p_relation
                        AND d.objsubid = a.attnum
                    )
                )
        ) END,
        CASE
            WHEN p_merged AND a.attgenerated = ''
                AND has_column_privilege(p_relation, a.attnum, 'SELECT')
                THEN format('v.c%s', a.attnum)
            WHEN p_merged AND a.attgenerated = '' THEN 'NULL'
            WHEN a.attname = 'import_job_id' THEN format('%L::uuid', p_job.job_id)
            WHEN w.column_name IS NOT NULL AND s.is_steady THEN w.write_sql
            WHEN w.column_name IS NOT NULL THEN w.value_sql
            WHEN a.attgenerated <> '' OR (e.oid IS NOT NULL AND s.is_steady)
                THEN format('(%s)', pg_get_expr(e.adbin, e.adrelid))
            ELSE 'NULL'
        END || '::' || format_type(a.atttypid, a.atttypmod) || CASE
            WHEN a.attcollation NOT IN (0, 'pg_catalog."default"'::regcollation)
                THEN ' COLLATE ' || a.attcollation::regcollation
            ELSE ''
        END,
        -- where a null takes a default that is not known beforehand
        CASE WHEN NOT p_merged AND w.write_sql <> w.value_sql AND NOT s.is_steady
            THEN format('CASE WHEN %s IS NULL THEN %L END', w.value_sql, a.attname) END
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
    LEFT JOIN pgimport._written_columns(p_job) AS w ON w.column_name = a.attname
    CROSS JOIN LATERAL (
        SELECT pgimport._is_steady_default(p_relation, a.attnum) AS is_steady
    ) AS s
    WHERE a.attrelid = p_relation AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum;
END;
$_row_columns$;

COMMENT ON FUNCTION pgimport._row_columns(pgimport.job, regclass, boolean) IS
'internal: how each column of the target is computed for the rows that a job would write.';

-- SQL of the rows that a job would insert, with the columns of the target under their own names,
-- so that the expressions of its constraints can be put behind them as they are. Besides:
-- "pgimport file_no", "pgimport row_no", "pgimport ctid" and "pgimport bad" (the columns whose
-- value in this row is not known, because it is wrong).
-- p_table: suffix of the staging table that is read, _value, _again or _doubt; or _merged: the rows
-- that a job would update, as they are afterwards, with "pgimport rel" and "pgimport tid", the
-- place of the row in the target. Where there is such a table, the others give the inserted rows
-- only. Called by _check_constraints, _constraint_sql and _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._row_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_table text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_row_sql$
DECLARE
    c_merged CONSTANT text := pgimport._staging_name(p_job.job_id, '_merged');
    v_filter text;
    v_read text;
    v_generated text;
    v_unknown text;
BEGIN
    IF p_table = '_merged' THEN
        v_filter := format(
            ' WHERE NOT v.same AND NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
            'WHERE m.kind IN (''x'', ''i'') AND m.file_no = v.file_no AND m.row_no = v.row_no)',
            pgimport._staging_name(p_job.job_id, '_mark')
        );
    ELSIF pgimport._is_staged(c_merged) THEN
        v_filter := format(
            ' WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS u '
            'WHERE u.file_no = v.file_no AND u.row_no = v.row_no)', c_merged
        );
    END IF;
    SELECT
        string_agg(format(', %s AS %I', c.column_sql, c.column_name), '') FILTER (
            WHERE c.level = 0
        ),
        string_agg(format(', %s AS %I', c.column_sql, c.column_name), '') FILTER (
            WHERE c.level = 1
        ),
        string_agg(c.unknown_sql, ', ')
    INTO v_read, v_generated, v_unknown
    FROM pgimport._row_columns(p_job, p_relation, p_table = '_merged') AS c;

    RETURN format(
        '(SELECT r.*%1$s FROM (SELECT v.file_no AS "pgimport file_no", '
        'v.row_no AS "pgimport row_no", v.ctid AS "pgimport ctid", %5$s%2$s AS "pgimport bad"%3$s '
        'FROM pgimport_staging.%4$I AS v%6$s) AS r)',
        v_generated,
        concat_ws(
            ' || ',
            CASE p_table WHEN '_doubt' THEN 'v.bad' ELSE '''{}''::text[]' END,
            'array_remove(ARRAY[' || v_unknown || ']::text[], NULL)'
        ),
        v_read,
        pgimport._staging_name(p_job.job_id, p_table),
        CASE p_table WHEN '_merged'
            THEN 'v.rel AS "pgimport rel", v.tid AS "pgimport tid", ' END,
        v_filter
    );
END;
$_row_sql$;

COMMENT ON FUNCTION pgimport._row_sql(pgimport.job, regclass, text) IS
'internal: SQL of the rows that a job would insert, under the names of the target''s columns.';

-- SQL of all rows that a job writes, as they are afterwards: those it inserts and those it updates.
-- Called by _judge_rows for references of the table to itself.
CREATE OR REPLACE FUNCTION pgimport._all_rows_sql(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_all_rows_sql$
DECLARE
    v_rows text := pgimport._row_sql(p_job, p_relation, '_value');
    v_names text;
BEGIN
    IF NOT pgimport._is_staged(pgimport._staging_name(p_job.job_id, '_merged')) THEN
        RETURN v_rows;
    END IF;
    SELECT string_agg(format('r.%I', c.column_name), ', ') INTO v_names
    FROM pgimport._row_columns(p_job, p_relation) AS c;
    RETURN format(
        '(SELECT %1$s FROM %2$s AS r UNION ALL SELECT %1$s FROM %3$s AS r)',
        v_names, v_rows, pgimport._row_sql(p_job, p_relation, '_merged')
    );
END;
$_all_rows_sql$;

COMMENT ON FUNCTION pgimport._all_rows_sql(pgimport.job, regclass) IS
'internal: SQL of all rows that a job writes.';
