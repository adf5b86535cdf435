-- Writes the clean rows of a job into its target and records what proves them untouched later.
-- One INSERT in key order, so that the leaves of the unique index are touched once; no ON CONFLICT:
-- the unique index is the last guard, and a conflict undoes the whole.
-- Called by insert_job inside its exception block. Raises PI401, and whatever the table raises.
CREATE OR REPLACE FUNCTION pgimport._write_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT rows_written bigint,
    OUT checksum_staged text,
    OUT checksum_inserted text,
    OUT columns text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_write_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_memory text := pgimport._raise_memory();
    v_jit text := current_setting('jit');
    v_insert text;
    v_xmin xid;
    v_found bigint;
BEGIN
    SELECT
        array_agg(c.column_name ORDER BY c.column_no),
        format(
            'INSERT INTO %s (%s, import_job_id) SELECT %s, $1 FROM pgimport_staging.%I AS v '
            'WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
            'WHERE m.file_no = v.file_no AND m.row_no = v.row_no)%s',
            p_relation,
            string_agg(quote_ident(c.column_name), ', ' ORDER BY c.column_no),
            string_agg(c.write_sql, ', ' ORDER BY c.column_no),
            pgimport._staging_name(p_job.job_id, '_value'),
            pgimport._staging_name(p_job.job_id, '_mark'),
            ' ORDER BY ' || (
                SELECT string_agg(
                    concat('(', w.value_sql, ')', ' COLLATE ' || k.collation_name), ', '
                    ORDER BY k.index_position
                )
                FROM pgimport._key_columns(p_job.target_id) AS k
                INNER JOIN pgimport._written_columns(p_job) AS w ON w.column_name = k.column_name
            )
        )
    INTO columns, v_insert
    FROM pgimport._written_columns(p_job) AS c;

    checksum_staged := pgimport._staged_checksum(p_job, p_relation);

    -- the table's own triggers, defaults and checks run under the caller's search_path
    PERFORM set_config('jit', 'off', true);
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE v_insert USING p_job.job_id;
    GET DIAGNOSTICS rows_written = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM set_config('jit', v_jit, true);
    PERFORM set_config('work_mem', v_memory, true);

    PERFORM pgimport._check_deferred(p_relation);

    v_xmin := pgimport._record_write(p_job.job_id, p_relation, rows_written, NULL);
    IF pgimport._changes_rows(p_job, p_relation) THEN
        SELECT r.rows_found, r.checksum INTO STRICT v_found, checksum_inserted
        FROM pgimport._read_back(
            p_job.job_id, p_relation, columns, rows_written, v_xmin
        ) AS r;
    ELSE
        v_found := rows_written;
        checksum_inserted := checksum_staged;
    END IF;

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
'internal: inserts the clean rows of a job, counts them and records what proves them untouched.';
