-- Writes the rows of a job into its target, updates before inserts, and records what proves them
-- untouched later.
-- Called by insert_job inside its exception block. Raises PI401, and whatever the table raises.
CREATE OR REPLACE FUNCTION pgimport._write_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT rows_written bigint,
    OUT rows_updated bigint,
    OUT rows_unchanged bigint,
    OUT checksum_staged text,
    OUT checksum_inserted text,
    OUT columns text[],
    OUT updated_columns text[],
    OUT print_columns text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_write_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_memory text := pgimport._raise_memory();
    v_jit text := current_setting('jit');
    v_changes boolean := pgimport._changes_rows(p_job, p_relation);
    v_insert text;
    v_xmin xid;
    v_found bigint;
BEGIN
    SELECT array_agg(c.column_name ORDER BY c.column_no) INTO columns
    FROM pgimport._written_columns(p_job) AS c;
    PERFORM set_config('jit', 'off', true);
    IF p_job.options ->> 'on_duplicate' = 'update' THEN
        SELECT u.* INTO STRICT rows_updated, rows_unchanged, updated_columns
        FROM pgimport._update_rows(p_job, p_relation, p_search_path) AS u;
    ELSE
        rows_updated := 0;
        rows_unchanged := 0;
    END IF;

    IF p_job.clean_rows = 0 THEN
        rows_written := 0;
        checksum_staged := '0';
    ELSE
        PERFORM pgimport._begin_phase(p_job.job_id, 'checksum');
        checksum_staged := pgimport._staged_checksum(p_job, p_relation);
        v_insert := pgimport._insert_sql(
            p_job, p_relation, pgimport._staging_name(p_job.job_id, '_value'),
            pgimport._clean_sql(p_job)
        );
        PERFORM pgimport._begin_phase(p_job.job_id, 'insert', p_job.clean_rows);
        -- the table's own triggers, defaults and checks run under the caller's search_path
        PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
        EXECUTE v_insert USING p_job.job_id;
        GET DIAGNOSTICS rows_written = ROW_COUNT;
        PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    END IF;
    PERFORM set_config('jit', v_jit, true);
    PERFORM set_config('work_mem', v_memory, true);

    PERFORM pgimport._begin_phase(p_job.job_id, 'fingerprints');
    PERFORM pgimport._check_deferred(p_relation, p_search_path);

    v_xmin := pgimport._record_write(
        p_job.job_id, p_relation, rows_written + rows_updated, NULL
    );
    IF rows_updated > 0 AND pgimport._has_code(p_relation) THEN
        v_found := pgimport._read_updates(p_job, p_relation, updated_columns, v_xmin);
        IF v_found <> rows_updated THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI401',
                MESSAGE = format('%s updated, %s found by key afterwards',
                    pgimport._count_of(rows_updated, 'row'), v_found),
                DETAIL = 'everything was undone',
                HINT = 'look for a trigger of the table that deletes rows or changes keys';
        END IF;
    END IF;

    IF v_changes THEN
        SELECT r.rows_found, r.checksum INTO STRICT v_found, checksum_inserted
        FROM pgimport._read_back(
            p_job.job_id, p_relation, columns, rows_written, v_xmin
        ) AS r;
    ELSE
        v_found := rows_written;
        checksum_inserted := checksum_staged;
    END IF;
    print_columns := pgimport._print_columns(p_job, p_relation);
    PERFORM pgimport._print_rows(
        p_job, p_relation, print_columns, v_changes, rows_written, v_xmin
    );
    PERFORM pgimport._write_history(
        p_job, p_relation, v_changes, v_xmin, rows_written, rows_updated
    );

    IF rows_written <> p_job.clean_rows OR v_found <> p_job.clean_rows THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI401',
            MESSAGE = format('%s expected, %s inserted, %s found with the id of the job',
                pgimport._count_of(p_job.clean_rows, 'row'), rows_written, v_found),
            DETAIL = 'everything was undone',
            HINT = 'look for a trigger or rule of the table that drops or changes rows';
    END IF;
END;
$_write_rows$;

COMMENT ON FUNCTION pgimport._write_rows(pgimport.job, regclass, text) IS
'internal: inserts and updates the rows of a job, counts them and records what proves them '
'untouched.';
