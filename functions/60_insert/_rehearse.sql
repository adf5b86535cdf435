-- Makes PostgreSQL note, in the subtransaction that runs, which constraints are deferred: it gives
-- back only what the one that is undone noted by itself, not what inner ones changed and kept.
-- Called by _rehearse before anything sets constraints.
CREATE OR REPLACE FUNCTION pgimport._note_constraints()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_note_constraints$
-- the name is quoted where it is made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_name text;
BEGIN
    -- any will do: each piece of a rehearsal ends by checking all
    SELECT format('%I.%I', n.nspname, k.conname) INTO v_name
    FROM pg_constraint AS k
    INNER JOIN pg_namespace AS n ON n.oid = k.connamespace
    WHERE k.condeferrable
        AND has_schema_privilege(n.oid, 'USAGE')
        AND NOT pg_is_other_temp_schema(n.oid)
    ORDER BY NOT k.condeferred, k.oid LIMIT 1;

    IF v_name IS NOT NULL THEN
        EXECUTE format('SET CONSTRAINTS %s DEFERRED', v_name);
    END IF;
END;
$_note_constraints$;

COMMENT ON FUNCTION pgimport._note_constraints() IS
'internal: makes the subtransaction that runs give back which constraints are deferred.';

-- What rehearse_job undoes: marks what came into the target since the check, draws the sample,
-- writes it and says what happened: {clean_rows, rows, inserted, updated, tried, waiting, failed,
-- failures, attempted, seconds, new_duplicates, refused_because}. Called by rehearse_job.
CREATE OR REPLACE FUNCTION pgimport._rehearse(
    p_job pgimport.job,
    p_relation regclass,
    p_sample integer,
    p_most_told integer,
    p_search_path text
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rehearse$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_memory text := pgimport._raise_memory();
    v_new bigint := pgimport._recheck_duplicates(p_job);
    v_job pgimport.job := pgimport._read_job(p_job.job_id);
    v_updates bigint := pgimport._updates_in_sample(v_job, p_sample);
    v_inserts bigint := pgimport._sample_rows(v_job, p_sample - v_updates::integer);
    v_rows bigint := v_inserts;
    v_all bigint := v_job.clean_rows + (pgimport._class_counts(v_job) -> 'update')::bigint;
    v_found bigint;
    v_failures jsonb[];
    v_waiting bigint := 0;
    r_done record;
BEGIN
    PERFORM pgimport._begin_phase(v_job.job_id, 'rehearse', v_job.clean_rows);
    IF v_job.options ->> 'on_duplicate' = 'update' THEN
        v_rows := v_inserts + pgimport._sample_updates(
            v_job, p_relation, v_inserts + 1, v_updates
        );
        -- rows that are as the files say already are not written
        v_all := greatest(v_rows, v_all - CASE
            WHEN p_sample < v_all THEN 0 ELSE v_updates - (v_rows - v_inserts) END);
    END IF;
    PERFORM set_config('work_mem', v_memory, true);
    PERFORM pgimport._note_constraints();
    -- what the caller's own statements left to be checked is not the fault of the job
    BEGIN
        PERFORM pgimport._check_deferred(p_relation, p_search_path, true);
        RAISE EXCEPTION USING
            ERRCODE = 'RHRSL',
            MESSAGE = 'constraints are deferred again as they were',
            HINT = 'nobody sees this';
    EXCEPTION
        WHEN SQLSTATE 'RHRSL' THEN
            NULL;
    END;
    SELECT r.* INTO STRICT r_done
    FROM pgimport._rehearse_rows(v_job, p_relation, v_rows, v_inserts, p_search_path) AS r;
    v_failures := r_done.failures;

    -- what such a row refers to may be of the job and not of the sample
    IF v_rows < v_all THEN
        SELECT
            coalesce(array_agg(f) FILTER (WHERE f -> 'waits' = 'false'), '{}'),
            count(*) FILTER (WHERE f -> 'waits' = 'true')
        INTO v_failures, v_waiting
        FROM unnest(v_failures) AS f;
    END IF;

    IF r_done.rows_inserted > 0 AND pgimport._changes_rows(v_job, p_relation) THEN
        EXECUTE format('SELECT count(*) FROM %s AS t WHERE t.import_job_id = $1', p_relation)
        INTO v_found USING p_job.job_id;
        IF v_found <> r_done.rows_inserted THEN
            v_failures := v_failures || jsonb_build_object(
                'place', NULL, 'sqlstate', 'PI401',
                'message', format('%s inserted, %s found with the id of the job',
                    pgimport._count_of(r_done.rows_inserted, 'row'), v_found),
                'constraint', NULL, 'column', NULL, 'table', NULL
            );
        END IF;
    END IF;

    RETURN jsonb_build_object(
        'clean_rows', v_all,
        'rows', v_rows,
        'inserted', r_done.rows_inserted,
        'updated', r_done.rows_updated,
        'tried', r_done.rows_tried,
        'waiting', v_waiting,
        'failed', cardinality(v_failures),
        'failures', pgimport._rehearse_failures(v_job, v_failures, p_most_told),
        'attempted', r_done.attempted,
        'seconds', r_done.seconds,
        'new_duplicates', v_new,
        'refused_because', pgimport._over_limit(v_job)
    );
END;
$_rehearse$;

COMMENT ON FUNCTION pgimport._rehearse(pgimport.job, regclass, integer, integer, text) IS
'internal: inserts rows of a job and says what happened, for rehearse_job to undo.';
