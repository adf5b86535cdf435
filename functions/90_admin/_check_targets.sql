-- What verify_install(true) reads in the targets themselves: rows of jobs that have no right to be
-- there. Rows that people deleted since are no finding; verify_job() counts them.
-- Called by verify_install(). It reads each target whole; a row of a job that the caller may not
-- see would look unknown, so only admins get the answer.
CREATE OR REPLACE FUNCTION pgimport._check_targets()
RETURNS TABLE (
    invariant text,
    message text,
    found text[],
    hint text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_targets$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    r_table record;
    v_job_id uuid;
    v_rows bigint;
    v_status text;
    v_allowed bigint;
    v_unknown text[] := ARRAY[]::text[];
    v_wrong text[] := ARRAY[]::text[];
BEGIN
    FOR r_table IN
        SELECT
            c.oid::regclass AS relation,
            -- what was declared deleted counts as gone
            string_agg(DISTINCT pgimport._alive_sql(t.target_id, c.oid), ' AND ') AS alive
        FROM pgimport.target AS t
        INNER JOIN pg_namespace AS n ON t.schema_name = n.nspname
        INNER JOIN pg_class AS c ON n.oid = c.relnamespace AND t.table_name = c.relname
        INNER JOIN pg_attribute AS a ON c.oid = a.attrelid
        WHERE c.relkind IN ('r', 'p')
            AND a.attname = 'import_job_id'
            AND a.atttypid = 'uuid'::regtype
            AND NOT a.attisdropped
            AND has_table_privilege(c.oid, 'SELECT')
        GROUP BY c.oid
        ORDER BY 1
    LOOP
        FOR v_job_id, v_rows, v_status, v_allowed IN EXECUTE format(
            'SELECT q.job_id, q.rows, j.status, '
            'CASE WHEN j.status IN (''completed'', ''inserting'') THEN j.rows_inserted ELSE 0 END '
            '+ ('
            'SELECT count(*) FROM pgimport.kept_row AS k '
            'WHERE k.job_id = j.job_id AND k.kind = ''inserted'') '
            'FROM (SELECT t.import_job_id AS job_id, count(*) AS rows FROM %s AS t '
            'WHERE %s GROUP BY t.import_job_id) AS q '
            'LEFT JOIN pgimport.job AS j ON j.job_id = q.job_id ORDER BY q.job_id',
            r_table.relation, concat_ws(' AND ', 't.import_job_id IS NOT NULL', r_table.alive)
        ) LOOP
            IF v_status IS NULL THEN
                v_unknown := v_unknown || format(
                    '%s: %s of unknown job %s', r_table.relation,
                    pgimport._count_of(v_rows, 'row'), v_job_id
                );
            ELSIF v_rows > v_allowed THEN
                v_wrong := v_wrong || format(
                    '%s: %s of job %s, which is %s', r_table.relation,
                    pgimport._count_of(v_rows, 'row'), v_job_id, v_status
                );
            END IF;
        END LOOP;
    END LOOP;

    RETURN QUERY VALUES
    (
        'I1', 'a job that is not completed has no rows in its target, a completed one not more '
        'than it inserted, save those that a rollback kept', v_wrong[1:20],
        'Somebody wrote import_job_id by hand: select pgimport.verify_job(job_id);'
    ),
    (
        'I9', 'every import_job_id in a target is that of a job', v_unknown[1:20],
        'These rows were not written by an import of this database.'
    );
END;
$_check_targets$;

COMMENT ON FUNCTION pgimport._check_targets() IS
'internal: the checks of verify_install(true) that read the targets.';
