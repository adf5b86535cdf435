-- The one INSERT by which rows of a job go into its target ($1: the job's id), from a relation that
-- is like its table of values (alias v), in key order: so the leaves of the unique index are
-- touched once. No ON CONFLICT: the unique index is the last guard. Each row is counted after the
-- sort, which volatile columns wait for.
-- Called by _write_rows and rehearse_job.
CREATE OR REPLACE FUNCTION pgimport._insert_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_source text,
    p_condition text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_insert_sql$
BEGIN
    RETURN (
        SELECT format(
            'INSERT INTO %s (%s, import_job_id) SELECT %s, CASE WHEN %s THEN $1 END '
            'FROM pgimport_staging.%I AS v WHERE %s%s',
            p_relation,
            string_agg(quote_ident(c.column_name), ', ' ORDER BY c.column_no),
            string_agg(c.write_sql, ', ' ORDER BY c.column_no),
            pgimport._count_sql(p_job.job_id, p_job.clean_rows, 'v.row_no'),
            p_source,
            p_condition,
            ' ORDER BY ' || (
                SELECT string_agg(
                    concat('(', w.value_sql, ')', ' COLLATE ' || k.collation_name), ', '
                    ORDER BY k.index_position
                )
                FROM pgimport._key_columns(p_job.target_id) AS k
                INNER JOIN pgimport._written_columns(p_job) AS w ON w.column_name = k.column_name
            )
        )
        FROM pgimport._written_columns(p_job) AS c
    );
END;
$_insert_sql$;

COMMENT ON FUNCTION pgimport._insert_sql(pgimport.job, regclass, text, text) IS
'internal: the INSERT by which rows of a job go into its target.';
