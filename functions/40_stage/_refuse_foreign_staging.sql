-- Names the tables of a job in schema pgimport_staging that are not as pgimport makes them: plain
-- tables of plain columns, with nothing that runs code when they are read or written. Null when
-- all are. Called by _refuse_foreign_staging.
CREATE OR REPLACE FUNCTION pgimport._odd_staging(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_odd_staging$
DECLARE
    c_parent CONSTANT text := pgimport._staging_name(p_job.job_id);
    c_schema CONSTANT oid := 'pgimport_staging'::regnamespace;
BEGIN
    RETURN (
        SELECT string_agg(format('"%s"', c.relname), ', ' ORDER BY c.relname)
        FROM pg_class AS c
        CROSS JOIN LATERAL (SELECT substr(c.relname, length(c_parent) + 1) AS suffix) AS n
        WHERE c.oid IN (
                SELECT r.oid FROM pg_class AS r
                WHERE r.relnamespace = c_schema
                    AND r.relname LIKE replace(c_parent, '_', '\_') || '%'
                    AND r.relname <> c_parent || '_rows'
                    AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
                UNION
                SELECT i.inhrelid FROM pg_inherits AS i
                WHERE i.inhparent = to_regclass(format('pgimport_staging.%I', c_parent))
            )
            AND (
                c.relnamespace <> c_schema
                OR c.relhasrules
                OR c.relrowsecurity
                -- one table is partitioned: that of all files, by their number as it is
                OR c.relkind <> CASE n.suffix WHEN '' THEN 'p' ELSE 'r' END
                OR EXISTS (
                    SELECT FROM pg_partitioned_table AS d
                    WHERE d.partrelid = c.oid AND d.partexprs IS NOT NULL
                )
                -- bounds and children of other tables are code, too: one hierarchy is pgimport's
                OR (c.relhassubclass AND n.suffix <> '')
                OR EXISTS (
                    SELECT FROM pg_inherits AS i
                    WHERE i.inhrelid = c.oid
                        AND i.inhparent
                        IS DISTINCT FROM to_regclass(format('pgimport_staging.%I', c_parent))
                )
                OR EXISTS (
                    SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                )
                -- defaults are constants: a file's number, and whether an image was put back
                OR EXISTS (
                    SELECT FROM pg_attrdef AS e
                    INNER JOIN pg_attribute AS a
                        ON a.attrelid = e.adrelid AND a.attnum = e.adnum
                    WHERE e.adrelid = c.oid
                        AND (
                            a.attgenerated <> ''
                            OR pg_get_expr(e.adbin, e.adrelid) !~ '^([0-9]+|false)$'
                        )
                )
                -- the table of lookups has one index, over its texts as they are; what a batched
                -- insert reads has one over the place of its rows
                OR EXISTS (
                    SELECT FROM pg_index AS x
                    WHERE x.indrelid = c.oid AND NOT (
                            n.suffix IN ('_lookup', '_value', '_mark')
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
                -- a file's table has one check, that of its number; the others have none
                OR EXISTS (
                    SELECT FROM pg_constraint AS k
                    WHERE k.conrelid = c.oid
                        AND k.contype = 'c'
                        AND (
                            n.suffix !~ '^_f[0-9]+$'
                            OR pg_get_constraintdef(k.oid) !~ '^CHECK \(\(file_no = [0-9]+\)\)$'
                        )
                )
            )
    );
END;
$_odd_staging$;

COMMENT ON FUNCTION pgimport._odd_staging(pgimport.job) IS
'internal: names the tables of a job in pgimport_staging that are not as pgimport makes them.';

-- Staging tables belong to the owner of the job, who could put a view, a trigger or a check in
-- their place; read or written by somebody else, these would run with that role's rights. Refuses
-- staging that is anything but the plain tables pgimport made.
-- Called before staged rows or before-images are read by a role that is not the job's owner.
-- Raises PI602.
CREATE OR REPLACE FUNCTION pgimport._refuse_foreign_staging(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_foreign_staging$
DECLARE
    v_odd text;
BEGIN
    IF p_job.owner_role = current_user THEN
        RETURN;
    END IF;

    v_odd := pgimport._odd_staging(p_job);
    IF v_odd IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI602',
            MESSAGE = format('the staging of job "%s" is not as pgimport made it', p_job.job_id),
            DETAIL = format('its owner "%s" changed %s: it would run with the rights of "%s"',
                p_job.owner_role, v_odd, current_user),
            HINT = format('SET ROLE %I;%s',
                p_job.owner_role,
                CASE WHEN p_job.status NOT IN ('completed', 'rolled_back') THEN format(
                    ' or cancel the job: select pgimport.cancel_job(%L);', p_job.job_id
                ) END);
    END IF;
END;
$_refuse_foreign_staging$;

COMMENT ON FUNCTION pgimport._refuse_foreign_staging(pgimport.job) IS
'internal: refuses staging tables that their owner has put code into.';
