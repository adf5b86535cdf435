-- Checks the arguments of rehearse_job. Called by it. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_rehearse_options(
    p_sample integer,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_rehearse_options$
DECLARE
    v_key text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{estimate,allow_superuser}', 'p_options of rehearse_job'
    );
    FOREACH v_key IN ARRAY '{estimate,allow_superuser}'::text[] LOOP
        IF jsonb_typeof(p_options -> v_key) <> 'boolean' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" must be true or false', v_key),
                HINT = format('{"%s": true}', v_key);
        END IF;
    END LOOP;
    IF p_sample < 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('a sample has 1 row or more, not %s', p_sample),
            HINT = 'select pgimport.rehearse_job(:''job'', 1000); 0 is all rows';
    END IF;
END;
$_check_rehearse_options$;

COMMENT ON FUNCTION pgimport._check_rehearse_options(integer, jsonb) IS
'internal: checks the arguments of rehearse_job.';

-- Inserts and updates rows of a checked job for real, with triggers, row-level security, foreign
-- keys and all other constraints, under the rights and the search_path of the caller, and undoes it
-- again: no row, no lock and no change of the job remains. Each row that fails is found.
-- Called by users. Raises PI001, PI002, PI003, PI101, PI102, PI205, PI306, PI602.
CREATE OR REPLACE FUNCTION pgimport.rehearse_job(
    p_job_id uuid,
    p_sample integer DEFAULT 1000,
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
AS $rehearse_job$
DECLARE
    c_estimate CONSTANT integer := 1000;
    c_most_told CONSTANT integer := 100;
    v_started timestamptz := clock_timestamp();
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_sample integer := nullif(p_sample, 0);
    v_estimate boolean;
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_relation regclass;
    v_before jsonb;
    v_found jsonb;
    v_is_done boolean := false;
BEGIN
    PERFORM pgimport._check_rehearse_options(p_sample, v_options);
    v_estimate := coalesce((v_options ->> 'estimate')::boolean, false);
    IF v_estimate THEN
        v_sample := least(coalesce(v_sample, c_estimate), c_estimate);
    END IF;
    PERFORM set_config('timezone', v_job.time_zone, true);
    v_before := pgimport._sequence_state(pgimport._job_relation(v_job));

    BEGIN
        v_job := pgimport._lock_job(p_job_id);
        PERFORM pgimport._require_status(v_job, '{checked}', 'rehearsed');
        PERFORM pgimport._take_slot(v_job);
        v_relation := pgimport._lock_target(v_job.target_id);
        PERFORM pgimport._refuse_foreign_code(
            v_relation, coalesce((v_options ->> 'allow_superuser')::boolean, false)
        );
        PERFORM pgimport._seal_staging(v_job);
        v_job := pgimport._read_job(p_job_id);
        IF v_job.status <> 'staging_lost' THEN
            PERFORM pgimport._require_rules(v_job);
            v_found := pgimport._rehearse(
                v_job, v_relation, v_sample, c_most_told, p_search_path
            );
        END IF;
        v_is_done := true;
        -- caught below: by it everything is undone
        RAISE EXCEPTION USING
            ERRCODE = 'RHRSL',
            MESSAGE = 'the rehearsal is over',
            HINT = 'nobody sees this';
    EXCEPTION
        WHEN SQLSTATE 'RHRSL' THEN
            IF NOT v_is_done THEN
                RAISE;
            END IF;
    END;

    IF v_found IS NULL THEN
        -- found once more, and this time it is kept
        v_job := pgimport._lock_job(p_job_id);
        PERFORM pgimport._seal_staging(v_job);
        RETURN pgimport._lost_envelope(
            pgimport._read_job(p_job_id),
            '{"passed": false, "rehearsed": 0, "sample": null, "would_insert": 0, '
            '"would_update": 0, "failed": 0, "failures": [], "sequences": [], '
            '"refused_because": null}'
        );
    END IF;

    PERFORM pgimport._log_event(
        p_job_id, 'rehearsed',
        jsonb_build_object('rehearsed', v_found -> 'tried',
            'would_insert', v_found -> 'inserted', 'would_update', v_found -> 'updated',
            'failed', v_found -> 'failed',
            'estimate', v_estimate)
    );
    RETURN pgimport._rehearse_answer(
        pgimport._read_job(p_job_id),
        v_sample,
        v_found,
        pgimport._moved_sequences(v_before, pgimport._sequence_state(v_relation)),
        v_started
    );
END;
$rehearse_job$;

COMMENT ON FUNCTION pgimport.rehearse_job(uuid, integer, jsonb, text) IS
'Inserts and updates rows of a checked job for real, triggers, row-level security and all '
'constraints included, and undoes it. p_sample: how many (first, last, at the edges, at random); '
'0 or null: all. Options: estimate (at most 1000 rows; details.predicted_seconds says what all '
'would take), allow_superuser. Keys: passed, rehearsed, would_insert and would_update (of these), '
'failed, failures[{file_no, row_no, line_no, sqlstate, message, constraint, column, table}], '
'sequences[{sequence, column, moved}]. Not undone: numbers of sequences, dead rows until the '
'next VACUUM (details.dead_rows at most), and what triggers do outside the database (a NOTIFY is '
'undone). '
'Example: select jsonb_pretty(pgimport.rehearse_job(:''job'', 1000))';
