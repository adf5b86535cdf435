-- Closes the rollback of completed jobs past their window; of one that would be closed by a dry run
-- it says so only. Called by run_maintenance. Returns the removed element, or null.
CREATE OR REPLACE FUNCTION pgimport._maintain_rollbacks(
    p_dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_maintain_rollbacks$
DECLARE
    v_jobs bigint;
BEGIN
    IF p_dry_run THEN
        SELECT count(*) INTO v_jobs FROM pgimport.job AS j
        WHERE j.status = 'completed'
            AND j.rollback_disabled_at IS NULL
            AND j.rollback_until < clock_timestamp();
    ELSE
        v_jobs := jsonb_array_length(pgimport.disable_old_rollbacks() -> 'disabled');
    END IF;
    RETURN CASE WHEN v_jobs > 0 THEN jsonb_build_object(
        'kind', 'open_rollbacks', 'jobs', v_jobs, 'rows', 0, 'bytes', 0
    ) END;
END;
$_maintain_rollbacks$;

COMMENT ON FUNCTION pgimport._maintain_rollbacks(boolean) IS
'internal: closes the rollback of completed jobs past their window.';

-- Removes what is older than the settings of enable_retention(): staged rows of finished jobs,
-- before-images and fingerprints of closed rollbacks, partitions of issues, events and row history;
-- by DROP and TRUNCATE. Closes rollbacks past their window, makes partitions for the time to come,
-- takes jobs back from workers that are gone.
-- All in one transaction; nobody else waits for longer than its lock_timeout.
-- Called by users, by a scheduler and by the command maintain. Raises PI002, PI003, PI603, PI604.
CREATE OR REPLACE FUNCTION pgimport.run_maintenance(
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
SET lock_timeout = '2s'
AS $run_maintenance$
DECLARE
    v_settings pgimport.retention;
    v_dry_run boolean;
    v_jobs jsonb;
    v_part jsonb;
    v_removed jsonb := '[]'::jsonb;
    v_kept jsonb := '[]'::jsonb;
    v_warnings jsonb := '[]'::jsonb;
    r_table record;
BEGIN
    PERFORM pgimport._require_owner('run_maintenance');
    PERFORM pgimport._check_maintenance(p_options);
    v_dry_run := coalesce((p_options ->> 'dry_run')::boolean, false);
    SELECT s.* INTO v_settings FROM pgimport.retention AS s;
    IF v_settings.is_on IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI604',
            MESSAGE = 'retention is not enabled: nothing says for how long what is kept',
            HINT = 'select pgimport.enable_retention();';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pgimport.maintenance', 0)) THEN
        RETURN pgimport._maintenance_answer(
            v_dry_run, '[]', '[{"kind": "all", "why": "another maintenance is running"}]', '[]',
            false
        );
    END IF;

    IF NOT v_dry_run THEN
        PERFORM pgimport._expire_leases();
    END IF;
    v_part := pgimport._maintain_rollbacks(v_dry_run);
    v_removed := v_removed || coalesce(v_part, '[]');
    v_jobs := pgimport._maintain_jobs(
        v_settings.staged_rows, coalesce((p_options ->> 'jobs')::integer, 200), v_dry_run
    );
    v_removed := v_removed || (v_jobs -> 'removed');
    v_kept := v_kept || (v_jobs -> 'kept');

    -- what imports wait for comes last
    FOR r_table IN SELECT t.* FROM pgimport._partitioned() AS t LOOP
        v_part := pgimport._maintain_partitions(
            r_table, (to_jsonb(v_settings) ->> r_table.keeps)::interval, v_settings.premake,
            v_dry_run
        );
        v_removed := v_removed || CASE jsonb_typeof(v_part -> 'removed')
            WHEN 'object' THEN v_part -> 'removed' ELSE '[]' END;
        v_kept := v_kept || (v_part -> 'kept');
        IF v_settings.engine <> 'own' AND (pgimport._partman()).schema_name IS NOT NULL
            AND pgimport._partman_config(r_table.table_name) IS NULL
        THEN
            v_warnings := v_warnings || to_jsonb(format(
                'pg_partman is installed and does not manage %s: '
                'select pgimport.enable_retention(); hands it over', r_table.relation
            ));
        END IF;
    END LOOP;
    v_part := pgimport._maintenance_answer(
        v_dry_run, v_removed, v_kept, v_warnings, (v_jobs ->> 'remaining')::boolean
    );
    PERFORM pgimport._partman_leave(p_search_path);
    RETURN v_part;
END;
$run_maintenance$;

COMMENT ON FUNCTION pgimport.run_maintenance(jsonb, text) IS
'Removes what enable_retention() says is not to be kept any more, and nothing that an open '
'rollback needs; makes partitions for the time to come. Options: dry_run (false), jobs (200): of '
'how many jobs at most staged rows are freed in one run. Keys: dry_run, removed [{kind, jobs, '
'partitions, rows, bytes}], kept [{kind, jobs, partitions, bytes, why}], remaining (true: call it '
'again). '
'Example: select jsonb_pretty(pgimport.run_maintenance(''{"dry_run": true}''))';

-- Refuses wrong options of run_maintenance. Called by it. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_maintenance(
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_maintenance$
DECLARE
    v_wrong text;
BEGIN
    PERFORM pgimport._require_keys(p_options, '{dry_run,jobs}', 'p_options of run_maintenance');
    v_wrong := CASE
        WHEN p_options ? 'dry_run' AND jsonb_typeof(p_options -> 'dry_run') <> 'boolean'
            THEN 'option "dry_run" of run_maintenance must be true or false'
        WHEN p_options ? 'jobs' AND (
            jsonb_typeof(p_options -> 'jobs') <> 'number'
            OR p_options ->> 'jobs' !~ '^[1-9][0-9]{0,5}$'
        ) THEN 'option "jobs" of run_maintenance must be a whole number above 0'
    END;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = v_wrong,
            DETAIL = format('It was: %s', left(p_options::text, 200)),
            HINT = 'For example: {"dry_run": true}';
    END IF;
END;
$_check_maintenance$;

COMMENT ON FUNCTION pgimport._check_maintenance(jsonb) IS
'internal: refuses wrong options of run_maintenance.';

-- The answer of run_maintenance: every element with every key. Called by it.
CREATE OR REPLACE FUNCTION pgimport._maintenance_answer(
    p_dry_run boolean,
    p_removed jsonb,
    p_kept jsonb,
    p_warnings jsonb,
    p_remaining boolean
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_maintenance_answer$
DECLARE
    c_zero CONSTANT jsonb := '{"jobs": 0, "partitions": 0, "bytes": 0}'::jsonb;
    v_removed jsonb;
    v_kept jsonb;
    v_bytes numeric;
BEGIN
    SELECT coalesce(jsonb_agg(c_zero || '{"rows": 0}' || r.value), '[]'),
        coalesce(sum((r.value ->> 'bytes')::numeric), 0)
    INTO v_removed, v_bytes
    FROM jsonb_array_elements(p_removed) AS r;
    SELECT coalesce(jsonb_agg(c_zero || k.value), '[]') INTO v_kept
    FROM jsonb_array_elements(p_kept) AS k;

    RETURN pgimport._target_envelope(
        NULL,
        format('%s%s freed',
            CASE WHEN p_dry_run THEN 'a dry run: would be ' END, pg_size_pretty(v_bytes)),
        jsonb_build_object(
            'dry_run', p_dry_run,
            'removed', v_removed,
            'kept', v_kept,
            'remaining', p_remaining
        ),
        p_warnings
    );
END;
$_maintenance_answer$;

COMMENT ON FUNCTION pgimport._maintenance_answer(boolean, jsonb, jsonb, jsonb, boolean) IS
'internal: the answer of run_maintenance.';
