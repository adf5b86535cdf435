-- Which columns of a modified row (t) differ from what the job inserted. A row whose key no
-- fingerprint has was given another key. Else, where there are hashes of each column, these tell;
-- where there are none, the row is compared with the staged one (alias s) and, in columns that the
-- job did not write, with a constant default. The list is empty where nothing of it tells.
-- Both functions are called by _own_rows_sql: this one for the columns, the other for the joins.
CREATE OR REPLACE FUNCTION pgimport._changed_columns_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_changed_columns_sql$
DECLARE
    v_by_hash text;
    v_by_value text;
BEGIN
    IF NOT p_scope.has_print THEN
        RETURN '''{}''';
    END IF;

    IF (
        SELECT bool_and(a.attname IS NOT NULL)
        FROM unnest(p_job.print_columns) AS c (name)
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = c.name AND NOT a.attisdropped
    ) THEN
        v_by_hash := format(
            'ARRAY(SELECT c.name FROM unnest(%L::text[], w.hashes, %s) AS c (name, was, now) '
            'WHERE c.was IS DISTINCT FROM c.now)',
            p_job.print_columns, pgimport._hashes_sql(p_relation, p_job.print_columns)
        );
    END IF;

    SELECT string_agg(c.compared, ', ' ORDER BY c.column_no) INTO v_by_value
    FROM (
        SELECT
            w.column_no,
            format(
                'CASE WHEN f.key_hash IS NOT NULL AND %s IS DISTINCT FROM %s THEN %L END',
                pgimport._checksum_item(format('t.%I', w.column_name), w.type_oid),
                pgimport._checksum_item(w.write_sql, w.type_oid),
                w.column_name
            ) AS compared
        FROM pgimport._written_columns(p_job) AS w
        WHERE pgimport._staged_values_sql(p_job, 'true') IS NOT NULL
        UNION ALL
        SELECT
            a.attnum,
            format(
                'CASE WHEN %s IS DISTINCT FROM %s THEN %L END',
                pgimport._checksum_item(format('t.%I', a.attname), a.atttypid),
                pgimport._checksum_item(
                    format('(%s)::%s', coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL'),
                        format_type(a.atttypid, a.atttypmod)),
                    a.atttypid
                ),
                a.attname
            )
        FROM pg_attribute AS a
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = p_relation
            AND a.attname = ANY (p_job.print_columns)
            AND a.attname <> ALL (p_job.written_columns)
            AND NOT a.attisdropped
            AND a.attidentity = ''
            AND (d.oid IS NULL OR d.adbin::text LIKE '{CONST %')
    ) AS c;

    RETURN format(
        'CASE WHEN w.key_hash IS NULL THEN %L WHEN w.hashes IS NOT NULL THEN %s '
        'ELSE array_remove(ARRAY[%s]::text[], NULL) END',
        (SELECT g.key_columns FROM pgimport.target AS g WHERE g.target_id = p_job.target_id),
        coalesce(v_by_hash, '''{}'''),
        v_by_value
    );
END;
$_changed_columns_sql$;

COMMENT ON FUNCTION pgimport._changed_columns_sql(pgimport.job, regclass, record) IS
'internal: SQL of the columns of a modified row that differ from what the job inserted.';

CREATE OR REPLACE FUNCTION pgimport._changed_joins_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_changed_joins_sql$
DECLARE
    v_key_hash text := pgimport._key_print_sql(p_job);
    v_values text := pgimport._staged_values_sql(p_job, 'true');
    v_joins text := '';
BEGIN
    IF NOT p_scope.has_print THEN
        RETURN '';
    END IF;
    v_joins := format(
        ' LEFT JOIN (SELECT DISTINCT ON (p.key_hash) p.key_hash, p.hashes '
        'FROM pgimport_staging.%I AS p) AS w ON w.key_hash = %s',
        pgimport._staging_name(p_job.job_id, '_print'), v_key_hash
    );
    -- the keys of all staged rows, then the values of those alone that are asked for
    IF v_values IS NOT NULL THEN
        v_joins := v_joins || (
            SELECT format(
                ' LEFT JOIN (SELECT t.file_no, t.row_no, %1$s AS key_hash FROM ('
                'SELECT v.file_no, v.row_no%2$s FROM (%3$s) AS v OFFSET 0) AS t) AS f '
                'ON f.key_hash = %1$s '
                'LEFT JOIN pgimport_staging.%4$I AS s ON s.file_no = f.file_no '
                'AND s.row_no = f.row_no '
                'CROSS JOIN LATERAL (SELECT s.file_no%5$s) AS v',
                v_key_hash,
                string_agg(format(', %s AS %I', coalesce(
                    w.write_sql, 'NULL::' || format_type(a.atttypid, a.atttypmod)
                ), a.attname), ''),
                v_values,
                pgimport._staging_name(p_job.job_id),
                (
                    SELECT string_agg(
                        format(', %s AS c%s', c.stored_sql, c.column_no), '' ORDER BY c.column_no
                    )
                    FROM pgimport._written_columns(p_job) AS c
                )
            )
            FROM pgimport.target AS g
            INNER JOIN pg_attribute AS a
                ON a.attrelid = p_relation AND a.attname = ANY (g.key_columns)
            -- a part of the key that the files do not fill is not known
            LEFT JOIN pgimport._written_columns(p_job) AS w ON w.column_name = a.attname
            WHERE g.target_id = p_job.target_id
        );
    END IF;
    RETURN v_joins;
END;
$_changed_joins_sql$;

COMMENT ON FUNCTION pgimport._changed_joins_sql(pgimport.job, regclass, record) IS
'internal: SQL of what a modified row is compared with.';
