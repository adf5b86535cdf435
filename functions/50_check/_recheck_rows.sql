-- Checks the rows of a job anew that a correction changed, and only those: they are listed in its
-- staging table job_…_fixed (file_no, row_no). The other rows keep their values and issues; what
-- is duplicate is marked anew among all, as a corrected key may be equal to any other.
-- Where there is no check to build on, or it was made by other rules, all rows are checked.
-- Called by apply_fix with the job locked and sealed.
CREATE OR REPLACE FUNCTION pgimport._recheck_rows(
    p_job pgimport.job,
    p_search_path text DEFAULT NULL
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_recheck_rows$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_value CONSTANT text := pgimport._staging_name(p_job.job_id, '_value');
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    c_fixed CONSTANT text := pgimport._staging_name(p_job.job_id, '_fixed');
    c_again CONSTANT text := pgimport._staging_name(p_job.job_id, '_again');
    v_rows text := format(
        '(SELECT r.* FROM pgimport_staging.%I AS r INNER JOIN pgimport_staging.%I AS x '
        'ON x.file_no = r.file_no AND x.row_no = r.row_no)',
        pgimport._staging_name(p_job.job_id), c_fixed
    );
    v_suspects text[];
    v_total bigint;
BEGIN
    IF p_job.validated_at IS NULL
        OR p_job.check_hash IS DISTINCT FROM pgimport._check_hash(p_job)
        OR to_regclass(format('pgimport_staging.%I', c_value)) IS NULL
    THEN
        RETURN pgimport._mark_duplicates(
            pgimport._validate_values(p_job, p_search_path), p_search_path
        );
    END IF;

    PERFORM pgimport._forget_rows(p_job);
    PERFORM pgimport._store_lookups(p_job);
    v_suspects := pgimport._scan_values(p_job, v_rows);
    IF cardinality(v_suspects) > 0 THEN
        PERFORM pgimport._find_issues(p_job, v_rows, v_suspects);
        EXECUTE format(
            'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
            'SELECT DISTINCT i.file_no, i.row_no, ''x''::"char" FROM pgimport.issue AS i '
            'INNER JOIN pgimport_staging.%I AS x USING (file_no, row_no) '
            'WHERE i.job_id = $1 AND i.found_by = ''check'' AND i.severity = ''error''',
            c_mark, c_fixed
        ) USING p_job.job_id;
    END IF;

    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I AS SELECT s.file_no, s.row_no%s FROM %s AS s '
        'WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS m WHERE m.kind = ''x'' '
        'AND m.file_no = s.file_no AND m.row_no = s.row_no)',
        c_again,
        (
            SELECT string_agg(
                format(', %s AS c%s', c.stored_sql, c.column_no), '' ORDER BY c.column_no
            )
            FROM pgimport._written_columns(p_job) AS c
        ),
        v_rows,
        c_mark
    );
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I SELECT * FROM pgimport_staging.%I', c_value, c_again
    );
    PERFORM pgimport._check_constraints(p_job, p_search_path, '_again');
    PERFORM pgimport._drop_staged(c_again);

    EXECUTE format(
        'SELECT (SELECT count(*) FROM pgimport_staging.%I) '
        '+ (SELECT count(*) FROM pgimport_staging.%I AS m WHERE m.kind = ''x'')',
        c_value, c_mark
    ) INTO v_total;
    UPDATE pgimport.job
    SET status = CASE WHEN status IN ('checked', 'failed') THEN 'staged' ELSE status END,
        validated_at = clock_timestamp(),
        total_rows = v_total
    WHERE job_id = p_job.job_id;
    PERFORM pgimport._give_staging(p_job.job_id);

    RETURN pgimport._mark_duplicates(pgimport._read_job(p_job.job_id), p_search_path);
END;
$_recheck_rows$;

COMMENT ON FUNCTION pgimport._recheck_rows(pgimport.job, text) IS
'internal: checks the rows of a job that a correction changed.';

-- Forgets what was found of the rows that are checked again, and all duplicates.
-- Called by _recheck_rows.
CREATE OR REPLACE FUNCTION pgimport._forget_rows(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_forget_rows$
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    c_fixed CONSTANT text := pgimport._staging_name(p_job.job_id, '_fixed');
BEGIN
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_rows'));
    EXECUTE format(
        'DELETE FROM pgimport.issue AS i USING pgimport_staging.%I AS x '
        'WHERE i.job_id = $1 AND i.found_by = ''check'' '
        'AND i.file_no = x.file_no AND i.row_no = x.row_no', c_fixed
    ) USING p_job.job_id;
    -- one by one: with OR each mark might be compared with every row
    EXECUTE format('DELETE FROM pgimport_staging.%I AS m WHERE m.kind <> ''x''', c_mark);
    EXECUTE format(
        'DELETE FROM pgimport_staging.%I AS m USING pgimport_staging.%I AS x '
        'WHERE x.file_no = m.file_no AND x.row_no = m.row_no', c_mark, c_fixed
    );
    EXECUTE format(
        'DELETE FROM pgimport_staging.%I AS v USING pgimport_staging.%I AS x '
        'WHERE x.file_no = v.file_no AND x.row_no = v.row_no',
        pgimport._staging_name(p_job.job_id, '_value'), c_fixed
    );
END;
$_forget_rows$;

COMMENT ON FUNCTION pgimport._forget_rows(pgimport.job) IS
'internal: forgets what was found of the rows that are checked again.';
