-- SELECT of the rows that a job updated as they would be after their restoring, with the columns of
-- the target under their own names, "pgimport rel" and "pgimport ctid". Modified columns stay as
-- they are with keep_modified and go back with force. Called by _taken_sql.
CREATE OR REPLACE FUNCTION pgimport._restored_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_mode text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_restored_sql$
BEGIN
    RETURN (
        SELECT format(
            'SELECT t.tableoid AS "pgimport rel", t.ctid AS "pgimport ctid", %s AS "pgimport key"%s '
            'FROM pgimport_staging.%I AS i INNER JOIN %s AS t ON %s WHERE %s%s',
            p_scope.key,
            string_agg(
                format(
                    ', %s AS %I',
                    CASE
                        WHEN c.name IS NULL THEN format('t.%I', a.attname)
                        WHEN p_mode = 'keep_modified' THEN format(
                            'CASE WHEN %s IS NOT DISTINCT FROM %s THEN i.o%s ELSE t.%I END',
                            c.now_sql, c.written_sql, c.place, a.attname
                        )
                        ELSE format('i.o%s', c.place)
                    END,
                    a.attname
                ), '' ORDER BY a.attnum
            ),
            pgimport._staging_name(p_job.job_id, '_image'),
            p_relation,
            p_scope.matches,
            p_scope.wanted,
            CASE WHEN p_mode IN ('refuse', 'cascade')
                THEN format(' AND (%s OR %s)', p_scope.untouched, p_scope.equal) END
        )
        FROM pg_attribute AS a
        LEFT JOIN pgimport._image_columns(p_job, p_relation) AS c ON c.name = a.attname
        WHERE a.attrelid = p_relation AND a.attnum > 0 AND NOT a.attisdropped
    );
END;
$_restored_sql$;

COMMENT ON FUNCTION pgimport._restored_sql(pgimport.job, regclass, record, text) IS
'internal: SELECT of the rows a job updated as they would be after a rollback.';

-- SELECT of the restored rows whose old value in a unique column another row has now ("pgimport
-- key", constraint): rows that stay, neither restored themselves nor deleted with the rollback.
-- Null where no unique constraint but the key holds a column that the job updated.
-- Called by _count_taken and _plan_rows.
CREATE OR REPLACE FUNCTION pgimport._taken_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_doomed text,
    p_mode text,
    p_soft boolean
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_taken_sql$
DECLARE
    v_found text;
BEGIN
    SELECT string_agg(
        format(
            'SELECT a."pgimport key" AS key, %L AS constraint_name, %L::text[] AS columns '
            'FROM (SELECT %s, r."pgimport key" FROM restored AS r WHERE %s) AS a '
            'WHERE %s AND EXISTS (SELECT FROM (SELECT %3$s FROM %6$s AS t WHERE %4$s '
            'AND NOT EXISTS (SELECT FROM restored AS r WHERE r."pgimport rel" = t.tableoid '
            'AND r."pgimport ctid" = t.ctid)%7$s) AS b WHERE %8$s)',
            split_part(u.code, ':', 2), u.columns, u.keys, u.predicate,
            replace(u.complete, '{a}', 'a'), u.relation,
            CASE WHEN NOT p_soft THEN format(
                ' AND NOT EXISTS (SELECT FROM (%s) AS d WHERE d."pgimport rel" = t.tableoid '
                'AND d."pgimport ctid" = t.ctid)', p_doomed
            ) END,
            replace(replace(u.same, '{a}', 'a'), '{b}', 'b')
        ), ' UNION ALL '
    ) INTO v_found
    FROM pgimport._unique_constraints(p_job, p_relation) AS u
    WHERE u.columns && p_job.updated_columns
        AND (u.skipped IS NULL OR u.skipped LIKE 'column %');

    RETURN CASE WHEN v_found IS NOT NULL THEN format(
        'WITH restored AS MATERIALIZED (%s) %s',
        pgimport._restored_sql(p_job, p_relation, p_scope, p_mode), v_found
    ) END;
END;
$_taken_sql$;

COMMENT ON FUNCTION pgimport._taken_sql(pgimport.job, regclass, record, text, text, boolean) IS
'internal: SELECT of restored rows whose old value another row has now.';

-- How many rows could not get their old value back, because another row has it now.
-- Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._count_taken(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_doomed text,
    p_mode text,
    p_soft boolean
)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_count_taken$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_query text := pgimport._taken_sql(p_job, p_relation, p_scope, p_doomed, p_mode, p_soft);
    v_taken bigint := 0;
BEGIN
    IF v_query IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (%s) AS q', v_query) INTO v_taken;
    END IF;
    RETURN v_taken;
END;
$_count_taken$;

COMMENT ON FUNCTION pgimport._count_taken(pgimport.job, regclass, record, text, text, boolean) IS
'internal: how many rows could not get an old value back.';
