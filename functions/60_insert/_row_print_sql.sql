-- Fingerprints of rows of a target (alias t): made when a job has inserted them and again when
-- somebody asks whether they are as they were. Equal values have equal fingerprints, also as
-- smallint, integer or bigint; all other types are taken as text, exactly. What is written as text
-- must be read under the settings and the time zone of the job.

-- The columns of a target that are in the fingerprint of a row: all but the job's id, the one that
-- declares a row deleted, and those that are computed from others. Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._print_columns(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_print_columns$
BEGIN
    RETURN ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        INNER JOIN pgimport.target AS t ON t.target_id = p_job.target_id
        WHERE a.attrelid = p_relation
            AND a.attnum > 0
            AND NOT a.attisdropped
            AND a.attgenerated = ''
            AND a.attname <> 'import_job_id'
            AND a.attname IS DISTINCT FROM (t.options ->> 'soft_delete')
            -- what the importer may not see it cannot prove
            AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
        ORDER BY a.attnum
    );
END;
$_print_columns$;

COMMENT ON FUNCTION pgimport._print_columns(pgimport.job, regclass) IS
'internal: the columns of a target that are in the fingerprints of its rows.';

-- SQL of the values of columns as fingerprints take them, separated by commas; null when one of
-- the columns is gone. p_pattern: what is made of each.
CREATE OR REPLACE FUNCTION pgimport._print_items(
    p_relation regclass,
    p_columns text[],
    p_pattern text DEFAULT '%s'
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_print_items$
BEGIN
    RETURN (
        SELECT CASE WHEN bool_and(a.attname IS NOT NULL) THEN string_agg(
            format(p_pattern, pgimport._checksum_item(format('t.%I', c.name), a.atttypid)),
            ', ' ORDER BY c.place
        ) END
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = c.name AND NOT a.attisdropped
    );
END;
$_print_items$;

COMMENT ON FUNCTION pgimport._print_items(regclass, text[], text) IS
'internal: SQL of the values of columns as fingerprints take them.';

-- SQL of a 64-bit hash of the columns of a row; NULL::bigint when one of them is gone.
-- Called wherever fingerprints are made or compared.
CREATE OR REPLACE FUNCTION pgimport._row_print_sql(
    p_relation regclass,
    p_columns text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_row_print_sql$
BEGIN
    RETURN coalesce(
        'pg_catalog.hash_record_extended(ROW('
        || pgimport._print_items(p_relation, p_columns) || '), 0)',
        'NULL::bigint'
    );
END;
$_row_print_sql$;

COMMENT ON FUNCTION pgimport._row_print_sql(regclass, text[]) IS
'internal: SQL of a 64-bit hash of columns of a row of the target.';

-- SQL of a 64-bit hash of the key of a row, exact: what the index takes for equal may differ in it.
-- Called wherever fingerprints are made or compared.
CREATE OR REPLACE FUNCTION pgimport._key_print_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_key_print_sql$
BEGIN
    RETURN (
        SELECT pgimport._row_print_sql(pgimport._target_relation(t), t.key_columns)
        FROM pgimport.target AS t WHERE t.target_id = p_job.target_id
    );
END;
$_key_print_sql$;

COMMENT ON FUNCTION pgimport._key_print_sql(pgimport.job) IS
'internal: SQL of a 64-bit hash of the key of a row of the target.';

-- SQL of an array of 32-bit hashes, one a column, by which columns that changed are named; the
-- element of a column that is gone is null.
-- Called wherever fingerprints are made or compared.
CREATE OR REPLACE FUNCTION pgimport._hashes_sql(
    p_relation regclass,
    p_columns text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_hashes_sql$
BEGIN
    RETURN (
        SELECT format('ARRAY[%s]::integer[]', string_agg(
            coalesce(
                pgimport._print_items(
                    p_relation, ARRAY[c.name], 'pg_catalog.hash_record(ROW(%s))'
                ), 'NULL'
            ), ', ' ORDER BY c.place
        ))
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
    );
END;
$_hashes_sql$;

COMMENT ON FUNCTION pgimport._hashes_sql(regclass, text[]) IS
'internal: SQL of the 32-bit hashes of columns of a row of the target, one a column.';
