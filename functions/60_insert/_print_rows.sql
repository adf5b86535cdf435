-- SQL condition on rows t with the id of a job ($1) that they were written by the insert that runs
-- now ($2: its transaction id), not by an earlier one of the job: what a rollback kept is people's.
-- Called by _print_rows and _read_back.
CREATE OR REPLACE FUNCTION pgimport._fresh_sql(
    p_job_id uuid
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_fresh_sql$
BEGIN
    RETURN CASE
        WHEN (SELECT count(*) > 1 FROM pgimport.job_write AS w WHERE w.job_id = p_job_id)
            -- ids that came round since, and frozen rows, are far away
            THEN 'age($2)::bigint - age(t.xmin) BETWEEN 0 AND 1000000000'
        ELSE 'true'
    END;
END;
$_fresh_sql$;

COMMENT ON FUNCTION pgimport._fresh_sql(uuid) IS
'internal: SQL condition that a row of a job was written by its insert that runs now.';

-- Writes the fingerprints of the rows that a job, or its batch, inserted, as they are when all
-- triggers and defaults are done: by them rows are proved to be as they were when their xmin proves
-- nothing any more. p_hashes: with a hash of each column, by which columns that changed are named
-- where what was staged does not tell. Rows that row-level security hides from the importer have
-- none.
-- p_rows: how many there should be. p_xmin: the (sub)transaction of the insert.
-- Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._print_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_columns text[],
    p_hashes boolean,
    p_rows bigint,
    p_xmin xid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- nor is one started to build the index of an empty TOAST table
SET max_parallel_maintenance_workers = 0
SET enable_seqscan = on
-- what a hash costs is not in the planner's numbers
SET parallel_setup_cost = 1000
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
SET jit = off
AS $_print_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- a worker is not started for fewer
    c_parallel CONSTANT integer := 20000;
    c_print CONSTANT text := pgimport._staging_name(p_job.job_id, '_print');
BEGIN
    IF p_rows < c_parallel THEN
        PERFORM set_config('parallel_setup_cost', '1e10', true);
    END IF;
    IF p_job.batch_after IS NULL THEN
        PERFORM pgimport._drop_staged(c_print);
    END IF;
    EXECUTE format(
        '%s SELECT %s AS key_hash, %s AS row_hash, %s AS hashes FROM %s AS t WHERE %s AND %s',
        format(
            CASE WHEN p_job.batch_after IS NULL THEN 'CREATE TABLE pgimport_staging.%I AS'
                ELSE 'INSERT INTO pgimport_staging.%I' END, c_print
        ),
        pgimport._key_print_sql(p_job),
        pgimport._row_print_sql(p_relation, p_columns),
        CASE WHEN p_hashes THEN pgimport._hashes_sql(p_relation, p_columns)
            ELSE 'NULL::integer[]' END,
        p_relation,
        CASE WHEN p_rows = 0 OR NOT has_column_privilege(p_relation, 'import_job_id', 'SELECT')
            THEN 'false'
            ELSE pgimport._plan_job_rows(p_rows, p_relation) END,
        pgimport._fresh_sql(p_job.job_id)
    ) USING p_job.job_id, p_xmin;
    EXECUTE format(
        'COMMENT ON TABLE pgimport_staging.%I IS %L', c_print,
        'Fingerprints of the rows that the job inserted, as they were in the target.'
    );
    PERFORM pgimport._give_staging(p_job.job_id);
END;
$_print_rows$;

COMMENT ON FUNCTION pgimport._print_rows(pgimport.job, regclass, text[], boolean, bigint, xid) IS
'internal: writes the fingerprints of the rows that a job inserted.';
