-- Writes the rows of a rehearsal: all by one statement, as insert_job does (in a job that updates,
-- two: those behind the first p_inserts places are updates, and come first), and where that fails
-- piece by piece, half as large after a failure and twice as large after a success, until each
-- failing row is found. Rows of pieces that work stay, so that the others meet them. A row that
-- refers to another one of the table waits and is tried again: that one may be of the job, too.
-- failures: {place, waits, sqlstate, message …} each; place null: it is the statement that fails,
-- not a row. waits: what it refers to never came. rows_tried: up to which row it came; after many
-- failures it gives up. attempted: rows sent, all attempts together; one that fails may end before
-- its last row. seconds: of those inserted.
-- Called by rehearse_job, inside what it undoes.
CREATE OR REPLACE FUNCTION pgimport._rehearse_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_rows bigint,
    p_inserts bigint,
    p_search_path text,
    OUT rows_inserted bigint,
    OUT rows_updated bigint,
    OUT rows_tried bigint,
    OUT failures jsonb[],
    OUT attempted bigint,
    OUT seconds numeric
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_rehearse_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_most_failures CONSTANT integer := 1000;
    c_most_waiting CONSTANT integer := 10000;
    c_source CONSTANT text := pgimport._staging_name(p_job.job_id, '_rehearsal');
    v_statements text[] := pgimport._rehearsal_sql(p_job, p_relation);
    v_first bigint := 1;
    v_size bigint := p_rows;
    v_last bigint;
    v_started timestamptz;
    v_fixed numeric;
    v_failure jsonb;
    v_whole jsonb;
    v_waits boolean;
    v_failed integer := 0;
    r_again record;
BEGIN
    rows_inserted := 0;
    rows_updated := 0;
    rows_tried := 0;
    attempted := 0;
    seconds := 0;
    failures := '{}'::jsonb[];

    -- without any row: rights, or a trigger of the statement; and what a statement takes by itself
    v_started := clock_timestamp();
    v_failure := pgimport._rehearse_piece(
        p_job.job_id, p_relation, v_statements, 1, 0, p_search_path
    );
    v_fixed := extract(EPOCH FROM clock_timestamp() - v_started);
    IF v_failure IS NOT NULL THEN
        failures := ARRAY[v_failure || '{"place": null, "waits": false}'];
        rows_tried := p_rows;
        RETURN;
    END IF;

    WHILE v_first <= p_rows AND v_failed < c_most_failures
        AND cardinality(failures) < c_most_waiting
    LOOP
        v_last := least(v_first + v_size - 1, p_rows);
        v_started := clock_timestamp();
        v_failure := pgimport._rehearse_piece(
            p_job.job_id, p_relation, v_statements, v_first, v_last, p_search_path
        );
        attempted := attempted + v_last - v_first + 1;

        IF v_whole IS NULL AND v_failure IS NOT NULL THEN
            v_whole := v_failure || '{"place": null, "waits": false}';
            EXECUTE format('CREATE INDEX ON pgimport_staging.%I (place)', c_source);
            EXECUTE format('ANALYZE pgimport_staging.%I (place)', c_source);
        END IF;

        IF v_failure IS NULL THEN
            seconds := seconds + greatest(
                extract(EPOCH FROM clock_timestamp() - v_started)
                - CASE WHEN v_whole IS NULL THEN v_fixed ELSE 0 END, 0
            );
            rows_inserted := rows_inserted + greatest(least(v_last, p_inserts) - v_first + 1, 0);
            rows_updated := rows_updated
                + greatest(v_last - greatest(v_first, p_inserts + 1) + 1, 0);
            v_first := v_last + 1;
            v_size := v_size * 2;
        ELSIF v_last = v_first THEN
            v_waits := pgimport._refers_to_itself(p_relation, v_failure ->> 'constraint');
            v_failed := v_failed + (NOT v_waits)::integer;
            failures := failures
                || (v_failure || jsonb_build_object('place', v_first, 'waits', v_waits));
            v_first := v_first + 1;
        ELSE
            v_size := (v_last - v_first + 1) / 2;
        END IF;
        rows_tried := v_first - 1;
    END LOOP;

    SELECT r.* INTO STRICT r_again
    FROM pgimport._rehearse_again(
        p_job, p_relation, v_statements, failures, p_search_path, p_inserts
    ) AS r;
    failures := r_again.failures;
    rows_inserted := rows_inserted + r_again.rows_inserted;
    rows_updated := rows_updated + r_again.rows_updated;

    -- every row went in by itself, and all together did not: what counts is the one statement
    IF cardinality(failures) = 0 AND v_whole IS NOT NULL AND p_rows > 1 THEN
        failures := ARRAY[v_whole];
        rows_inserted := 0;
        rows_updated := 0;
    END IF;
END;
$_rehearse_rows$;

COMMENT ON FUNCTION pgimport._rehearse_rows(pgimport.job, regclass, bigint, bigint, text) IS
'internal: writes the rows of a rehearsal and finds those that fail.';
