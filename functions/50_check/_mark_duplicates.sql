-- The rows of a query ($1: hashes), read with as many workers as the planner likes.
-- Called by _mark_rows.
CREATE OR REPLACE FUNCTION pgimport._run_query(
    p_query text,
    p_hashes bigint[]
)
RETURNS TABLE (
    file_no integer,
    row_no bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_run_query$
-- made where it was quoted; columns come from it:
-- @plpgsql_check_options: security_warnings = false, extra_warnings = false
BEGIN
    RETURN QUERY EXECUTE p_query USING p_hashes;
END;
$_run_query$;

COMMENT ON FUNCTION pgimport._run_query(text, bigint[]) IS
'internal: the rows that a query over staged rows finds.';

-- Runs a query for rows (file_no, row_no) and marks them with a kind.
-- INSERT … SELECT never reads in parallel, but a query that a function returns does.
-- Called by _mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._mark_rows(
    p_job_id uuid,
    p_kind text,
    p_query text,
    p_hashes bigint[] DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_mark_rows$
BEGIN
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
        'SELECT r.file_no, r.row_no, $1::"char" FROM pgimport._run_query($2, $3) AS r',
        pgimport._staging_name(p_job_id, '_mark')
    ) USING p_kind, p_query, p_hashes;
END;
$_mark_rows$;

COMMENT ON FUNCTION pgimport._mark_rows(uuid, text, text, bigint[]) IS
'internal: marks the staged rows that a query finds.';

-- The hashes of keys that occur more than once among a job's keys; null when no type can be hashed
-- or none occurs twice. Called by _mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._repeated_hashes(
    p_query text
)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_repeated_hashes$
-- the query was quoted where it was made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_hashes bigint[];
BEGIN
    IF p_query IS NOT NULL THEN
        EXECUTE format('SELECT array_agg(q.hash) FROM (%s) AS q (hash)', p_query) INTO v_hashes;
    END IF;
    RETURN v_hashes;
END;
$_repeated_hashes$;

COMMENT ON FUNCTION pgimport._repeated_hashes(text) IS
'internal: the hashes of keys that occur more than once.';

-- SQL condition that a hash is among those of the parameter $1. A scan that compares with a list
-- runs in parallel and a join with a subquery does not, but each worker has the list in its plan.
-- Called by _mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._hash_condition(
    p_hash text,
    p_hashes integer
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_hash || CASE
    WHEN p_hashes <= 1000000 THEN ' = ANY ($1)' ELSE ' IN (SELECT unnest($1))'
END;

COMMENT ON FUNCTION pgimport._hash_condition(text, integer) IS
'internal: SQL condition that a hash is among those of a parameter.';

-- Marks the duplicates among a job's valid rows: those of the target and those inside the files
-- (every row of a key but the first, or the last with keep = last), and finds rows that other
-- unique constraints refuse. Set-based, narrow, and by itself repeatable: the same rows give the
-- same marks. A job that creates whatever the key has no duplicates; nothing is looked for.
-- Called by mark_duplicates and check_job, after _validate_values made an empty mark table.
CREATE OR REPLACE FUNCTION pgimport._mark_duplicates(
    p_job pgimport.job,
    p_search_path text DEFAULT NULL
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
-- hashes of millions of keys are sorted faster than they are put into a hash table
SET enable_hashagg = off
SET jit = off
AS $_mark_duplicates$
DECLARE
    v_memory text := pgimport._raise_memory();
    v_relation regclass;
    v_snapshot pg_snapshot;
    v_updates boolean := coalesce(p_job.options ->> 'on_duplicate' = 'update', false);
    v_last bigint;
    v_guards jsonb;
    v_is_create boolean := coalesce(p_job.options ->> 'on_duplicate' = 'create', false);
    v_order text := CASE p_job.options ->> 'keep'
        WHEN 'last' THEN 'k.file_no DESC, k.row_no DESC' ELSE 'k.file_no, k.row_no' END;
    r_key record;
BEGIN
    SELECT pgimport._target_relation(t) INTO STRICT v_relation
    FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;

    PERFORM pgimport._begin_phase(p_job.job_id, 'duplicates');
    v_snapshot := pg_current_snapshot();
    LOOP
        IF NOT v_is_create THEN
            PERFORM pgimport._mark_rows(p_job.job_id, 'd', format(
                'SELECT k.file_no, k.row_no FROM (%s) AS k '
                'WHERE EXISTS (SELECT FROM %s AS t WHERE %s)',
                r_key.staged_keys, v_relation, r_key.target_equal
            ));
        END IF;

        -- of several rows of a key that is in the target one is written: before it is judged
        IF v_updates THEN
            PERFORM pgimport._mark_repeated(p_job, r_key, v_order);
        END IF;
        SELECT coalesce(max(i.issue_id), 0) INTO v_last FROM pgimport.issue AS i
        WHERE i.job_id = p_job.job_id;

        v_guards := pgimport._mark_conflicts(p_job, v_relation, p_search_path);

        IF NOT v_updates AND NOT v_is_create THEN
            PERFORM pgimport._mark_repeated(p_job, r_key, v_order);
        END IF;
        IF v_guards IS NOT NULL THEN
            PERFORM pgimport._settle_conflicts(
                p_job, v_guards, r_key, v_order, p_search_path
            );
        END IF;

        -- rows fell that referred to rows which fell in a conflict: all the marks again; also
        -- where the next row of a key that is in the target takes the place of one that fell
        EXIT WHEN NOT pgimport._judge_children(p_job, v_relation, p_search_path) AND NOT (
            v_updates AND EXISTS (
                SELECT FROM pgimport.issue AS i
                WHERE i.job_id = p_job.job_id AND i.issue_id > v_last
            )
        );
        EXECUTE format(
            'DELETE FROM pgimport_staging.%I AS m WHERE m.kind <> ''x''',
            pgimport._staging_name(p_job.job_id, '_mark')
        );
    END LOOP;
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_merged'));

    EXECUTE format(
        'ANALYZE pgimport_staging.%I', pgimport._staging_name(p_job.job_id, '_mark')
    );
    PERFORM pgimport._count_marks(p_job.job_id);
    PERFORM set_config('work_mem', v_memory, true);
    PERFORM pgimport._assign_turns(p_job);

    UPDATE pgimport.job
    SET status = 'checked', checked_at = clock_timestamp(), mark_snapshot = v_snapshot,
        content_hash = pgimport._content_hash(p_job)
    WHERE job_id = p_job.job_id;
    PERFORM pgimport._create_rows_view(pgimport._read_job(p_job.job_id));

    RETURN pgimport._read_job(p_job.job_id);
END;
$_mark_duplicates$;

COMMENT ON FUNCTION pgimport._mark_duplicates(pgimport.job, text) IS
'internal: marks the duplicates of a job inside its files and against its target.';
