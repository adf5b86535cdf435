-- Checks all staged values of a job anew: forgets the old findings, scans, writes issues and marks
-- the invalid rows. Duplicates are marked afterwards, among the valid rows only.
-- Called by validate_job, mark_duplicates and check_job with the job locked and sealed.
-- Raises PI207.
CREATE OR REPLACE FUNCTION pgimport._validate_values(
    p_job pgimport.job,
    p_search_path text DEFAULT NULL
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_validate_values$
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    v_job pgimport.job;
    v_invalid bigint := 0;
    v_unknown text[];
    r_stored record;
BEGIN
    PERFORM pgimport._require_columns(p_job);
    PERFORM pgimport._reset_check(p_job.job_id);

    EXECUTE format(
        'CREATE %s TABLE pgimport_staging.%I '
        '(file_no integer NOT NULL, row_no bigint NOT NULL, kind "char" NOT NULL) '
        'WITH (autovacuum_enabled = false)',
        CASE WHEN (p_job.options ->> 'durable')::boolean THEN '' ELSE 'UNLOGGED' END, c_mark
    );
    EXECUTE format(
        'COMMENT ON TABLE pgimport_staging.%I IS %L', c_mark,
        'Staged rows that are not clean: x invalid, i duplicate inside the files, d duplicate of '
        'the target.'
    );

    PERFORM pgimport._begin_phase(p_job.job_id, 'check');
    v_unknown := pgimport._store_lookups(p_job);
    SELECT s.* INTO STRICT r_stored FROM pgimport._store_values(p_job, false) AS s;
    IF cardinality(r_stored.suspects || v_unknown) > 0 THEN
        PERFORM pgimport._begin_phase(p_job.job_id, 'issues');
        PERFORM pgimport._search_issues(p_job);
        PERFORM pgimport._begin_phase(p_job.job_id, 'check');
        EXECUTE format(
            'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
            'SELECT DISTINCT i.file_no, i.row_no, ''x''::"char" FROM pgimport.issue AS i '
            'WHERE i.job_id = $1 AND i.found_by = ''check'' AND i.severity = ''error''', c_mark
        ) USING p_job.job_id;
        GET DIAGNOSTICS v_invalid = ROW_COUNT;
        EXECUTE format('ANALYZE pgimport_staging.%I', c_mark);

        PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_value'));
        SELECT s.* INTO STRICT r_stored FROM pgimport._store_values(p_job, true) AS s;
    END IF;

    PERFORM pgimport._begin_phase(p_job.job_id, 'constraints');
    PERFORM pgimport._check_constraints(p_job, p_search_path);

    -- a job that was checked is not any more, until its duplicates are marked again
    UPDATE pgimport.job
    SET status = CASE WHEN status IN ('checked', 'failed') THEN 'staged' ELSE status END,
        validated_at = clock_timestamp(),
        check_hash = pgimport._check_hash(p_job),
        total_rows = r_stored.rows_stored + v_invalid
    WHERE job_id = p_job.job_id;
    v_job := pgimport._count_marks(p_job.job_id);
    PERFORM pgimport._give_staging(p_job.job_id);

    RETURN v_job;
END;
$_validate_values$;

COMMENT ON FUNCTION pgimport._validate_values(pgimport.job, text) IS
'internal: checks every staged value of a job and marks the invalid rows.';

-- Counts a job's marks and writes the counts to the job. Called after rows were marked.
CREATE OR REPLACE FUNCTION pgimport._count_marks(
    p_job_id uuid
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_count_marks$
DECLARE
    v_job pgimport.job;
    v_invalid bigint;
    v_internal bigint;
    v_database bigint;
    v_both bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FILTER (WHERE m.kind = ''x'') AS invalid, '
        'count(*) FILTER (WHERE m.kind = ''i'') AS internal, '
        'count(*) FILTER (WHERE m.kind = ''d'') AS database, '
        '(SELECT count(*) FROM pgimport_staging.%1$I AS i '
        'INNER JOIN pgimport_staging.%1$I AS d USING (file_no, row_no) '
        'WHERE i.kind = ''i'' AND d.kind = ''d'') AS both '
        'FROM pgimport_staging.%1$I AS m', pgimport._staging_name(p_job_id, '_mark')
    ) INTO STRICT v_invalid, v_internal, v_database, v_both;

    UPDATE pgimport.job
    SET invalid_rows = v_invalid,
        internal_duplicates = v_internal,
        database_duplicates = v_database,
        both_duplicates = v_both,
        clean_rows = total_rows - v_invalid - v_internal - v_database
            + v_both
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;

    RETURN v_job;
END;
$_count_marks$;

COMMENT ON FUNCTION pgimport._count_marks(uuid) IS
'internal: counts the marks of a job and writes invalid, duplicate and clean counts to it.';
