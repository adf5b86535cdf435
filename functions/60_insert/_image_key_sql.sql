-- SQL condition by which a row of a job's table of before-images (alias i) finds its row of the
-- target (alias t): its key, as the unique index compares it. Where nulls count as equal a hash of
-- the key comes before it, one that equal keys share however they are spelled: by an OR alone every
-- row would be compared with every row. A row that is declared deleted, and so has no key, is none.
-- Called wherever images meet the target.
CREATE OR REPLACE FUNCTION pgimport._image_key_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_image_key_sql$
BEGIN
    RETURN (
        SELECT concat(
            nullif(max(p.living_sql), 'true') || ' AND ',
            CASE WHEN bool_or(p.same_nulls) AND bool_and(p.hashable) THEN format(
                '%s OPERATOR(pg_catalog.=) %s AND ',
                pgimport._key_hash_sql(true, string_agg(
                    format('t.%I', p.column_name) || p.cast_sql, ', ' ORDER BY p.index_position
                )),
                pgimport._key_hash_sql(true, string_agg(
                    format('i.k%s', p.key_position) || p.cast_sql, ', ' ORDER BY p.index_position
                ))
            ) END,
            string_agg(
                format(
                    CASE WHEN p.same_nulls
                        THEN '(%1$s %2$s %3$s OR (%1$s IS NULL AND %3$s IS NULL))'
                        ELSE '%1$s %2$s %3$s' END,
                    format('t.%I', p.column_name) || p.cast_sql,
                    p.equal_operator,
                    format('i.k%s', p.key_position) || p.cast_sql
                ), ' AND ' ORDER BY p.index_position
            )
        )
        FROM (
            SELECT
                k.*,
                k.nulls_not_distinct AND NOT c.not_null AS same_nulls,
                concat('::' || k.compare_type, ' COLLATE ' || k.collation_name) AS cast_sql
            FROM pgimport._key_columns(p_job.target_id) AS k
            INNER JOIN pgimport._target_columns(p_job.target_id) AS c
                ON c.column_name = k.column_name
        ) AS p
    );
END;
$_image_key_sql$;

COMMENT ON FUNCTION pgimport._image_key_sql(pgimport.job) IS
'internal: SQL condition by which a before-image finds its row of the target.';

-- SQL condition that one of a job's updated columns differs between two rows, exactly: 1.0 is not
-- 1.00 here, and A not a. p_left, p_right: patterns of the column, %1$s its number, %2$I its name.
-- Null when the job updates no column. Called wherever images are made or compared.
CREATE OR REPLACE FUNCTION pgimport._differs_sql(
    p_relation regclass,
    p_columns text[],
    p_left text,
    p_right text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_differs_sql$
BEGIN
    RETURN (
        SELECT '(' || string_agg(
            format(
                '%s IS DISTINCT FROM %s',
                pgimport._checksum_item(format(p_left, c.place, c.name), a.atttypid),
                pgimport._checksum_item(format(p_right, c.place, c.name), a.atttypid)
            ), ' OR ' ORDER BY c.place
        ) || ')'
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
        INNER JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = c.name AND NOT a.attisdropped
    );
END;
$_differs_sql$;

COMMENT ON FUNCTION pgimport._differs_sql(regclass, text[], text, text) IS
'internal: SQL condition that one of the updated columns differs between two rows.';
