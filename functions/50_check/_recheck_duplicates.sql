-- Takes the mark from rows whose key is not in the target any more; returns how many. Found by a
-- query that may run in parallel, as a DELETE never does. Called by _recheck_duplicates.
CREATE OR REPLACE FUNCTION pgimport._unmark_gone(
    p_job pgimport.job,
    p_relation regclass,
    p_staged_keys text,
    p_target_equal text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET parallel_tuple_cost = 0
SET enable_nestloop = on
SET jit = off
AS $_unmark_gone$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    v_gone bigint;
BEGIN
    PERFORM pgimport._plan_keys(p_job.database_duplicates, p_relation);
    EXECUTE format(
        'DELETE FROM pgimport_staging.%I AS m USING pgimport._run_query($1, NULL) AS g '
        'WHERE m.kind = ''d'' AND m.file_no = g.file_no AND m.row_no = g.row_no', c_mark
    ) USING format(
        'SELECT k.file_no, k.row_no FROM (%s) AS k INNER JOIN pgimport_staging.%I AS m '
        'ON m.kind = ''d'' AND m.file_no = k.file_no AND m.row_no = k.row_no '
        'WHERE NOT EXISTS (SELECT FROM %s AS t WHERE %s)',
        p_staged_keys, c_mark, p_relation, p_target_equal
    );
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    RETURN v_gone;
END;
$_unmark_gone$;

COMMENT ON FUNCTION pgimport._unmark_gone(pgimport.job, regclass, text, text) IS
'internal: takes the mark from staged rows whose key is not in the target any more.';

-- Marks rows whose key came into the target after the duplicates were marked. Only rows of the
-- target that are newer than the marking's snapshot matter: transactions older than its xmin were
-- over. For a job that is small beside its target, its keys are looked up in the index instead.
-- In a job that updates, rows whose key is not in the target any more lose their mark: they are
-- inserted. Called by validate_job, insert_job and _rehearse. Returns how many rows were newly
-- marked.
CREATE OR REPLACE FUNCTION pgimport._recheck_duplicates(
    p_job pgimport.job
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_recheck_duplicates$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    -- an index probe costs about as much as reading this many rows in a scan
    c_rows_per_probe CONSTANT integer := 50;
    v_target pgimport.target;
    v_relation regclass;
    v_age integer := age(pg_snapshot_xmin(p_job.mark_snapshot)::xid);
    v_fresh text;
    v_is_fresh boolean := true;
    v_new bigint := 0;
    v_gone bigint := 0;
    -- rows of the batches before are fresh, too
    v_foreign text;
    r_key record;
BEGIN
    IF p_job.options ->> 'on_duplicate' = 'create' THEN
        RETURN 0;
    END IF;
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    v_relation := pgimport._target_relation(v_target);
    v_foreign := CASE WHEN p_job.batch_until IS NOT NULL
        AND has_column_privilege(v_relation, 'import_job_id', 'SELECT')
        THEN ' AND t.import_job_id IS DISTINCT FROM $2' END;
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    IF p_job.options ->> 'on_duplicate' = 'update' AND p_job.database_duplicates > 0 THEN
        v_gone := pgimport._unmark_gone(p_job, v_relation, r_key.staged_keys, r_key.target_equal);
    END IF;

    IF p_job.clean_rows * c_rows_per_probe < pgimport._estimated_rows(v_relation) THEN
        v_fresh := format('SELECT FROM %s AS t WHERE %s', v_relation, r_key.target_equal);
    ELSE
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %s AS t WHERE age(t.xmin) <= $1%s)', v_relation, v_foreign
        ) INTO v_is_fresh USING v_age, p_job.job_id;
        v_fresh := format('SELECT FROM fresh AS f WHERE %s', r_key.fresh_equal);
    END IF;

    IF v_is_fresh THEN
        EXECUTE format(
            'WITH fresh AS (SELECT %1$s FROM %2$s AS t WHERE age(t.xmin) <= $1%6$s) '
            'INSERT INTO pgimport_staging.%3$I (file_no, row_no, kind) '
            'SELECT k.file_no, k.row_no, ''d''::"char" FROM (%4$s) AS k WHERE EXISTS (%5$s) '
            'AND NOT EXISTS (SELECT FROM pgimport_staging.%3$I AS m '
            'WHERE m.file_no = k.file_no AND m.row_no = k.row_no%7$s)',
            r_key.target_keys, v_relation, c_mark, r_key.staged_keys, v_fresh, v_foreign,
            -- after the first batch a repeated key may be in the target by the job itself
            CASE WHEN p_job.batch_until IS NULL THEN ' AND m.kind = ''d''' END
        ) USING v_age, p_job.job_id;
        GET DIAGNOSTICS v_new = ROW_COUNT;
    END IF;

    IF v_new + v_gone > 0 THEN
        PERFORM pgimport._count_marks(p_job.job_id);
        -- after the first batch, rows of a round are in the target already: it is not dealt anew
        IF p_job.batch_until IS NULL THEN
            PERFORM pgimport._assign_turns(p_job);
        END IF;
    END IF;

    RETURN v_new;
END;
$_recheck_duplicates$;

COMMENT ON FUNCTION pgimport._recheck_duplicates(pgimport.job) IS
'internal: marks staged rows whose key came into the target after the marking.';
