-- Marks the duplicates among a job's valid rows: those inside the files (every row of a key but
-- the first, or the last with keep = last) and those of the target. Set-based, narrow, and by
-- itself repeatable: the same rows give the same marks.
-- Called by mark_duplicates and check_job, after _validate_values made an empty mark table.
CREATE OR REPLACE FUNCTION pgimport._mark_duplicates(
    p_job pgimport.job
)
RETURNS pgimport.job
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_mark_duplicates$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    v_target pgimport.target;
    v_relation regclass;
    v_snapshot pg_snapshot;
    v_order text := CASE p_job.options ->> 'keep'
        WHEN 'last' THEN 'k.file_no DESC, k.row_no DESC' ELSE 'k.file_no, k.row_no' END;
    r_key record;
BEGIN
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t WHERE t.target_id = p_job.target_id;
    v_relation := pgimport._target_relation(v_target);
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;

    -- only keys that occur more than once are sorted. Nulls equal nothing, so a key with one drops
    -- out of the join; where the index counts nulls as equal, all keys go through the window.
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
        'SELECT q.file_no, q.row_no, ''i''::"char" FROM ('
        'SELECT k.file_no, k.row_no, '
        'row_number() OVER (PARTITION BY %s ORDER BY %s) AS place FROM (%s) AS k%s'
        ') AS q WHERE q.place > 1',
        c_mark,
        'k.' || replace(r_key.columns, ', ', ', k.'),
        v_order,
        r_key.staged_keys,
        CASE WHEN r_key.nulls_not_distinct THEN '' ELSE format(
            ' INNER JOIN (SELECT %1$s FROM (%2$s) AS g GROUP BY %1$s HAVING count(*) > 1) AS d '
            'ON %3$s', r_key.columns, r_key.staged_keys, r_key.staged_equal
        ) END
    );

    v_snapshot := pg_current_snapshot();
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
        'SELECT k.file_no, k.row_no, ''d''::"char" FROM (%s) AS k '
        'WHERE EXISTS (SELECT FROM %s AS t WHERE %s)',
        c_mark, r_key.staged_keys, v_relation, r_key.target_equal
    );

    EXECUTE format('ANALYZE pgimport_staging.%I', c_mark);
    PERFORM pgimport._count_marks(p_job.job_id);

    UPDATE pgimport.job
    SET status = 'checked', checked_at = clock_timestamp(), mark_snapshot = v_snapshot
    WHERE job_id = p_job.job_id;
    PERFORM pgimport._create_rows_view(pgimport._read_job(p_job.job_id));

    RETURN pgimport._read_job(p_job.job_id);
END;
$_mark_duplicates$;

COMMENT ON FUNCTION pgimport._mark_duplicates(pgimport.job) IS
'internal: marks the duplicates of a job inside its files and against its target.';
