-- Makes what a batched insert reads safe from a crash of the server, and quick to find by position:
-- from now on rows of this job are in the target, and the rest must be known whatever happens.
-- Called by insert_job before the first batch.
CREATE OR REPLACE FUNCTION pgimport._prepare_batches(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_prepare_batches$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY[
        pgimport._staging_name(p_job.job_id, '_value'),
        pgimport._staging_name(p_job.job_id, '_mark')
    ] LOOP
        -- an index of the first, failed, attempt is still there
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS %I ON pgimport_staging.%I (file_no, row_no)',
            v_table || '_place', v_table
        );
        EXECUTE format('ALTER TABLE pgimport_staging.%I SET LOGGED', v_table);
        EXECUTE format('ANALYZE pgimport_staging.%I', v_table);
    END LOOP;
END;
$_prepare_batches$;

COMMENT ON FUNCTION pgimport._prepare_batches(pgimport.job) IS
'internal: makes what a batched insert reads safe from a crash of the server.';

-- What a batched insert cannot do that one statement can. Called by insert_job before the first
-- batch.
CREATE OR REPLACE FUNCTION pgimport._batch_warnings(
    p_relation regclass
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_batch_warnings$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(format(
            'rows of the table refer to each other (%s): a batch with a row that refers to one of a '
            'later batch is undone; without batch_rows the order does not matter', c.conname
        ) ORDER BY c.conname), '[]')
        FROM pg_constraint AS c
        WHERE c.contype = 'f' AND c.conrelid = p_relation AND c.confrelid = p_relation
    );
END;
$_batch_warnings$;

COMMENT ON FUNCTION pgimport._batch_warnings(regclass) IS
'internal: what a batched insert cannot do that one statement can.';

-- How many rows of a job are still to be written. Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._rows_remaining(
    p_job pgimport.job
)
RETURNS bigint
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_rows_remaining$
BEGIN
    RETURN p_job.clean_rows + pgimport._rows_to_update(p_job) - coalesce(
        p_job.rows_inserted + p_job.rows_updated + p_job.rows_unchanged, 0
    );
END;
$_rows_remaining$;

COMMENT ON FUNCTION pgimport._rows_remaining(pgimport.job) IS
'internal: how many rows of a job are still to be written.';

-- A job as its batch is seen: how far that goes, and its own counts in place of the job's.
-- Called by _next_batch, _count_batch and _update_source_sql.
CREATE OR REPLACE FUNCTION pgimport._batch_of(
    p_job pgimport.job,
    p_until bigint[],
    p_clean_rows bigint,
    p_database_duplicates bigint DEFAULT NULL
)
RETURNS pgimport.job
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_batch_of$
BEGIN
    RETURN jsonb_populate_record(p_job, jsonb_build_object(
        'batch_until', p_until,
        'clean_rows', p_clean_rows,
        'database_duplicates', coalesce(p_database_duplicates, p_job.database_duplicates)
    ));
END;
$_batch_of$;

COMMENT ON FUNCTION pgimport._batch_of(pgimport.job, bigint[], bigint, bigint) IS
'internal: a job as its batch is seen.';

-- Sets how far the next batch of a job goes: over so many rows that are to be written, in the order
-- of the files; over all that remain where these are no more. Returns the job with batch_until and
-- no more than so many clean rows.
-- Called by insert_job.
CREATE OR REPLACE FUNCTION pgimport._next_batch(
    p_job pgimport.job,
    p_rows bigint
)
RETURNS pgimport.job
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- a merge of two indexes from the position on, which stops at the row that is looked for
SET enable_hashjoin = off
SET enable_seqscan = off
SET jit = off
AS $_next_batch$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_end CONSTANT bigint[] := ARRAY[2147483647, 9223372036854775807];
    v_batch pgimport.job := pgimport._batch_of(p_job, c_end, least(p_job.clean_rows, p_rows));
    v_until bigint[];
BEGIN
    IF pgimport._rows_remaining(p_job) > p_rows THEN
        EXECUTE format(
            'SELECT ARRAY[v.file_no, v.row_no] FROM pgimport_staging.%I AS v WHERE %s AND %s '
            'ORDER BY v.file_no, v.row_no OFFSET $1 LIMIT 1',
            pgimport._staging_name(p_job.job_id, '_value'),
            pgimport._window_sql(v_batch, 'v'),
            pgimport._writable_sql(p_job)
        ) INTO v_until USING p_rows - 1;
        v_batch := pgimport._batch_of(v_batch, coalesce(v_until, c_end), v_batch.clean_rows);
    END IF;
    RETURN v_batch;
END;
$_next_batch$;

COMMENT ON FUNCTION pgimport._next_batch(pgimport.job, bigint) IS
'internal: how far the next batch of a job goes.';

-- SQL condition on rows v of a job's table of values: those that an insert writes, as new rows or
-- over rows that are in the target. Called by _next_batch and _count_batch.
CREATE OR REPLACE FUNCTION pgimport._writable_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN format(
    'NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
    'WHERE m.file_no = v.file_no AND m.row_no = v.row_no%s)',
    pgimport._staging_name((p_job).job_id, '_mark'),
    CASE (p_job).options ->> 'on_duplicate' WHEN 'update' THEN ' AND m.kind <> ''d''' END
);

COMMENT ON FUNCTION pgimport._writable_sql(pgimport.job) IS
'internal: SQL condition that a row of the table of values is written by the insert.';

-- The job with the counts of its batch in place of its own: what is written of a batch is counted
-- and compared as if it were a job. Called by insert_job after duplicates were looked for again.
CREATE OR REPLACE FUNCTION pgimport._count_batch(
    p_job pgimport.job,
    p_until bigint[]
)
RETURNS pgimport.job
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_count_batch$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_batch pgimport.job := pgimport._batch_of(p_job, p_until, p_job.clean_rows);
    v_clean bigint;
    v_writable bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FILTER (WHERE %s), count(*) FROM pgimport_staging.%I AS v '
        'WHERE %s AND %s',
        CASE p_job.options ->> 'on_duplicate' WHEN 'update' THEN pgimport._clean_sql(v_batch)
            ELSE 'true' END,
        pgimport._staging_name(p_job.job_id, '_value'),
        pgimport._window_sql(v_batch, 'v'),
        pgimport._writable_sql(p_job)
    ) INTO STRICT v_clean, v_writable;
    RETURN pgimport._batch_of(
        p_job, p_until, v_clean, v_writable - v_clean + p_job.both_duplicates
    );
END;
$_count_batch$;

COMMENT ON FUNCTION pgimport._count_batch(pgimport.job, bigint[]) IS
'internal: a job with the counts of its batch in place of its own.';
