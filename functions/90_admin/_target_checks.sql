-- What must be true of the rows in the targets: one scan a target. Rows that people deleted since
-- are no fault; rows of a job that wrote none, of no job at all, or more than it wrote, are.
-- Called by verify_install when it is to look deeper.
CREATE OR REPLACE FUNCTION pgimport._target_checks()
RETURNS TABLE (invariant text, name text, broken text[], hint text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_target_checks$
DECLARE
    r_target record;
    v_found text[];
BEGIN
    FOR r_target IN
        SELECT t.name, c.oid::regclass AS relation
        FROM pgimport.target AS t
        INNER JOIN pg_namespace AS n ON n.nspname = t.schema_name
        INNER JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.table_name
        WHERE t.dropped_at IS NULL
            AND EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = 'import_job_id' AND NOT a.attisdropped
            )
        ORDER BY t.name
    LOOP
        EXECUTE format(
            'SELECT array_agg(format(''%%s: %%s rows'', q.job_id, q.rows) ORDER BY q.job_id) FROM ('
            'SELECT t.import_job_id AS job_id, count(*) AS rows FROM %s AS t '
            'WHERE t.import_job_id IS NOT NULL GROUP BY t.import_job_id) AS q '
            'LEFT JOIN pgimport.job AS j ON j.job_id = q.job_id '
            'WHERE q.rows > CASE j.status WHEN ''completed'' THEN j.rows_inserted '
            'WHEN ''rolled_back'' THEN j.rows_kept ELSE 0 END OR j.job_id IS NULL',
            r_target.relation
        ) INTO v_found;
        invariant := 'I1';
        name := format('rows of target "%s" belong to the jobs that wrote them', r_target.name);
        broken := coalesce(v_found, '{}');
        hint := 'compare with pgimport.verify_job(job_id)';
        RETURN NEXT;
    END LOOP;
END;
$_target_checks$;

COMMENT ON FUNCTION pgimport._target_checks() IS
'internal: what must be true of the rows in the targets, and which break it.';
