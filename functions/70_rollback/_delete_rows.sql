-- Deletes the rows that a job inserted, or declares them deleted (p_soft): those proved untouched,
-- those that are equal to what was written, and with p_all all that carry its id.
-- A row that somebody changes at this moment is waited for, looked at again, and then not deleted:
-- the counts differ, and everything is undone. The table's triggers run under the caller's
-- search_path. Called by _carry_out.
CREATE OR REPLACE FUNCTION pgimport._delete_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_all boolean,
    p_soft boolean,
    p_rest bigint,
    p_search_path text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_delete_rows$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_deleted bigint;
    v_count text := pgimport._count_sql(
        p_job.job_id, p_job.rows_inserted, 'pg_catalog.hashtid(t.ctid)'
            || CASE WHEN p_rest > 0 THEN ' OPERATOR(pg_catalog.+) '
                '(q."pgimport ctid" IS NULL)::pg_catalog.int4' ELSE '' END
    );
    v_act text := CASE WHEN p_soft
        THEN format('UPDATE %s AS t SET %s', p_relation,
            pgimport._soft_delete_sql(p_job.target_id, p_relation))
        ELSE format('DELETE FROM %s AS t', p_relation) END;
BEGIN
    PERFORM pgimport._begin_phase(p_job.job_id, 'rollback', p_job.rows_inserted);
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    -- one statement in every case: rows that refer to each other go together
    IF p_rest = 0 THEN
        EXECUTE format('%s WHERE %s AND %s AND %s', v_act, p_scope.carries, p_scope.untouched,
            v_count);
    ELSE
        EXECUTE format(
            '%s %s (%s) AS q WHERE t.tableoid = q."pgimport rel" AND t.ctid = q."pgimport ctid" AND %s',
            v_act,
            CASE WHEN p_soft THEN 'FROM' ELSE 'USING' END,
            pgimport._doomed_sql(p_relation, p_scope, p_all, p_rest),
            v_count
        );
    END IF;
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    RETURN v_deleted;
END;
$_delete_rows$;

COMMENT ON FUNCTION
pgimport._delete_rows(pgimport.job, regclass, record, boolean, boolean, bigint, text) IS
'internal: deletes the rows a job inserted, or declares them deleted, in a rollback.';

-- SQL of the assignment that declares a row deleted, now. Called by _delete_rows.
CREATE OR REPLACE FUNCTION pgimport._soft_delete_sql(
    p_target_id bigint,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_soft_delete_sql$
BEGIN
    RETURN (
        SELECT CASE a.atttypid
            WHEN 'boolean'::regtype THEN format('%I = true', a.attname)
            -- the same for all rows of a rollback: by it a redo knows them
            ELSE format('%I = now()', a.attname)
        END
        FROM pgimport.target AS g
        INNER JOIN pg_attribute AS a
            ON a.attrelid = p_relation
                AND a.attname = g.options ->> 'soft_delete'
                AND NOT a.attisdropped
        WHERE g.target_id = p_target_id
    );
END;
$_soft_delete_sql$;

COMMENT ON FUNCTION pgimport._soft_delete_sql(bigint, regclass) IS
'internal: SQL of the assignment that declares a row of a target deleted.';
