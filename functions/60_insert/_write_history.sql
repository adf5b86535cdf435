-- Whether rows of a job's files know their line, and are not just counted from the first: all rows
-- of a file do, or none; those that a correction added do. Called by _write_history.
CREATE OR REPLACE FUNCTION pgimport._has_lines(
    p_job_id uuid
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_has_lines$
-- names are quoted by format: @plpgsql_check_options: security_warnings = false
DECLARE
    v_has boolean := EXISTS (SELECT FROM pgimport.fix_record AS r WHERE r.job_id = p_job_id);
    r_file record;
BEGIN
    FOR r_file IN
        SELECT f.staging_table FROM pgimport.file AS f
        WHERE f.job_id = p_job_id
            AND f.status = 'staged'
            AND to_regclass(format('pgimport_staging.%I', f.staging_table)) IS NOT NULL
    LOOP
        EXIT WHEN v_has;
        EXECUTE format(
            'SELECT coalesce((SELECT s.line_no IS NOT NULL FROM pgimport_staging.%I AS s '
            'LIMIT 1), false)', r_file.staging_table
        ) INTO v_has;
    END LOOP;
    RETURN v_has;
END;
$_has_lines$;

COMMENT ON FUNCTION pgimport._has_lines(uuid) IS
'internal: whether rows of a job''s files know their line.';

-- SELECT of the rows that a job inserts, or those of the batch that is being written: file_no,
-- row_no, line_no where the file told it, and the columns of the key as k1, k2 …, null where no
-- file fills them. Called by _write_history.
CREATE OR REPLACE FUNCTION pgimport._staged_keys_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_staged_keys_sql$
DECLARE
    v_has_lines boolean := pgimport._has_lines(p_job.job_id);
BEGIN
    RETURN (
        SELECT format(
            'SELECT v.file_no, v.row_no, %s AS line_no, %s FROM pgimport_staging.%I AS v%s '
            'WHERE %s',
            CASE WHEN v_has_lines THEN 's.line_no' ELSE 'NULL::bigint' END,
            string_agg(
                format(
                    '%s AS k%s', coalesce(w.write_sql, 'NULL::' || c.type_name), c.key_position
                ), ', ' ORDER BY c.key_position
            ),
            pgimport._staging_name(p_job.job_id, '_value'),
            CASE WHEN v_has_lines THEN format(
                ' INNER JOIN pgimport_staging.%I AS s '
                'ON s.file_no = v.file_no AND s.row_no = v.row_no', pgimport._staging_name(p_job.job_id)
            ) END,
            pgimport._clean_sql(p_job)
        )
        FROM pgimport._target_columns(p_job.target_id) AS c
        LEFT JOIN pgimport._written_columns(p_job) AS w ON w.column_name = c.column_name
        WHERE c.key_position IS NOT NULL
    );
END;
$_staged_keys_sql$;

COMMENT ON FUNCTION pgimport._staged_keys_sql(pgimport.job) IS
'internal: SELECT of the rows that a job inserts, with their keys.';

-- What stands after FROM for the rows t that a job has just inserted into a table that may change
-- keys on their way, or makes them itself: they are read back, and told by their keys from which
-- row of the files they came; those whose key was changed cannot be. $1: the job, $2: the
-- (sub)transaction of the insert. p_condition: how the rows of the job are found.
-- Called by _write_history.
CREATE OR REPLACE FUNCTION pgimport._inserted_keys_sql(
    p_job pgimport.job,
    p_target pgimport.target,
    p_relation regclass,
    p_condition text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_inserted_keys_sql$
DECLARE
    -- rows of one key are told apart by their number
    c_number CONSTANT text := CASE p_job.options ->> 'on_duplicate'
        WHEN 'create' THEN 'row_number() OVER (PARTITION BY %s)' ELSE '1' END;
    v_written text := (SELECT k.key_hash FROM pgimport._history_key_sql(p_target, 't.%1$I') AS k);
    v_staged text := (SELECT k.key_hash FROM pgimport._history_key_sql(p_target, 'q.k%2$s') AS k);
BEGIN
    RETURN format(
        '(SELECT %s, %s AS "pgimport hash", %s AS "pgimport number" FROM %s AS t '
        'WHERE %s AND %s) AS t '
        'LEFT JOIN (SELECT q.file_no, q.row_no, q.line_no, %s AS key_hash, %s AS number '
        'FROM (%s) AS q) AS s ON s.key_hash = t."pgimport hash" AND s.number = t."pgimport number"',
        (
            SELECT string_agg(format('t.%I', k.name), ', ')
            FROM unnest(p_target.key_columns) AS k (name)
        ),
        v_written,
        format(c_number, v_written),
        p_relation,
        p_condition,
        pgimport._fresh_sql(p_job.job_id),
        v_staged,
        format(c_number, v_staged),
        pgimport._staged_keys_sql(p_job)
    );
END;
$_inserted_keys_sql$;

COMMENT ON FUNCTION
pgimport._inserted_keys_sql(pgimport.job, pgimport.target, regclass, text) IS
'internal: SQL of the rows that a job has just inserted, read back, with their rows of the files.';

-- Writes the history of the rows that a job has just inserted and updated: of all, or of those of
-- a batch. p_changes: the target may change rows on their way. p_xmin: the (sub)transaction that
-- wrote them. Costs nothing where the target does not ask for it.
-- Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._write_history(
    p_job pgimport.job,
    p_relation regclass,
    p_changes boolean,
    p_xmin xid,
    p_inserted bigint,
    p_updated bigint
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
AS $_write_history$
DECLARE
    v_target pgimport.target;
    v_has_lines boolean;
    v_reads boolean;
BEGIN
    SELECT t.* INTO v_target
    FROM pgimport.target AS t
    WHERE t.target_id = p_job.target_id AND t.options @> '{"row_history": true}';
    IF v_target.target_id IS NULL THEN
        RETURN;
    END IF;

    IF p_updated > 0 THEN
        v_has_lines := pgimport._has_lines(p_job.job_id);
        PERFORM pgimport._add_history(
            p_job.target_id, p_job.job_id, 'update',
            format(
                'pgimport_staging.%I AS i%s WHERE %s',
                pgimport._staging_name(p_job.job_id, '_image'),
                CASE WHEN v_has_lines THEN format(
                    ' LEFT JOIN pgimport_staging.%I AS s '
                    'ON s.file_no = i.file_no AND s.row_no = i.row_no',
                    pgimport._staging_name(p_job.job_id)
                ) END,
                pgimport._window_sql(p_job, 'i')
            ),
            'i.k%2$s',
            'i.file_no, i.row_no, ' || CASE WHEN v_has_lines THEN 's.line_no' ELSE 'NULL' END
        );
    END IF;
    IF p_inserted > 0 THEN
        -- a key that no file fills is known when the table has made it
        v_reads := (p_changes OR EXISTS (
            SELECT FROM unnest(v_target.key_columns) AS k (name)
            WHERE k.name NOT IN (
                SELECT w.column_name FROM pgimport._written_columns(p_job) AS w
            )
        )) AND has_column_privilege(p_relation, 'import_job_id', 'SELECT');
        PERFORM pgimport._add_history(
            p_job.target_id, p_job.job_id, 'insert',
            CASE WHEN v_reads THEN pgimport._inserted_keys_sql(
                    p_job, v_target, p_relation, pgimport._plan_job_rows(p_inserted, p_relation)
                )
                ELSE format('(%s) AS s', pgimport._staged_keys_sql(p_job)) END,
            CASE WHEN v_reads THEN 't.%1$I' ELSE 's.k%2$s' END,
            's.file_no, s.row_no, s.line_no', p_xmin
        );
    END IF;
END;
$_write_history$;

COMMENT ON FUNCTION
pgimport._write_history(pgimport.job, regclass, boolean, xid, bigint, bigint) IS
'internal: writes the history of the rows that a job has just inserted and updated.';
