-- Staging tables belong to the owner of the job, who could put a view, a trigger or a check in
-- their place; read or written by somebody else, these would run with that role's rights. Refuses
-- staging that is anything but the plain tables pgimport made.
-- Called before staged rows are read by a role that is not the job's owner. Raises PI602.
CREATE OR REPLACE FUNCTION pgimport._refuse_foreign_staging(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_foreign_staging$
DECLARE
    v_parent text := pgimport._staging_name(p_job.job_id);
    v_odd text;
BEGIN
    IF p_job.owner_role = current_user THEN
        RETURN;
    END IF;

    SELECT string_agg(format('"%s"', c.relname), ', ' ORDER BY c.relname) INTO v_odd
    FROM pg_class AS c
    WHERE c.oid IN (
            SELECT r.oid FROM pg_class AS r
            WHERE r.relnamespace = 'pgimport_staging'::regnamespace
                AND r.relname LIKE replace(v_parent, '_', '\_') || '%'
                AND r.relname <> pgimport._staging_name(p_job.job_id, '_rows')
                AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
            UNION
            SELECT i.inhrelid FROM pg_inherits AS i
            WHERE i.inhparent = to_regclass(format('pgimport_staging.%I', v_parent))
        )
        AND (
            c.relkind NOT IN ('r', 'p')
            OR c.relnamespace <> 'pgimport_staging'::regnamespace
            OR c.relhasrules
            OR c.relrowsecurity
            OR EXISTS (
                SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
            )
            -- the table of lookups has one index, over its texts as they are
            OR EXISTS (
                SELECT FROM pg_index AS x
                WHERE x.indrelid = c.oid AND NOT (
                        c.relname = pgimport._staging_name(p_job.job_id, '_lookup')
                        AND x.indexprs IS NULL
                        AND x.indpred IS NULL
                        AND NOT EXISTS (
                            SELECT FROM unnest(x.indclass::oid[]) AS i (class)
                            INNER JOIN pg_opclass AS o ON o.oid = i.class
                            WHERE o.opcnamespace <> 'pg_catalog'::regnamespace
                        )
                    )
            )
            -- reading a type of the owner's own may run a cast of his
            OR EXISTS (
                SELECT FROM pg_attribute AS a
                INNER JOIN pg_type AS y ON y.oid = a.atttypid
                WHERE a.attrelid = c.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND y.typnamespace <> 'pg_catalog'::regnamespace
                    AND NOT EXISTS (
                        SELECT FROM pgimport._target_columns(p_job.target_id) AS t
                        WHERE t.type_oid = a.atttypid
                    )
            )
            -- a file's table has one check, that of its number; marks and values have none
            OR EXISTS (
                SELECT FROM pg_constraint AS k
                WHERE k.conrelid = c.oid
                    AND k.contype = 'c'
                    AND (
                        c.relname IN (
                            pgimport._staging_name(p_job.job_id, '_mark'),
                            pgimport._staging_name(p_job.job_id, '_value'),
                            pgimport._staging_name(p_job.job_id, '_lookup')
                        )
                        OR pg_get_constraintdef(k.oid) !~ '^CHECK \(\(file_no = [0-9]+\)\)$'
                    )
            )
        );

    IF v_odd IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI602',
            MESSAGE = format('the staging of job "%s" is not as pgimport made it', p_job.job_id),
            DETAIL = format('its owner "%s" changed %s: it would run with the rights of "%s"',
                p_job.owner_role, v_odd, current_user),
            HINT = format('SET ROLE %I; or cancel the job: select pgimport.cancel_job(%L);',
                p_job.owner_role, p_job.job_id);
    END IF;
END;
$_refuse_foreign_staging$;

COMMENT ON FUNCTION pgimport._refuse_foreign_staging(pgimport.job) IS
'internal: refuses staging tables that their owner has put code into.';
