-- SQL condition on rows t of a job that its rollback declared them deleted, not somebody else: by
-- the time of the rollback, and by the xmin that it wrote. certain: the rollback found them as the
-- job had left them, so that they are the job's again; what it declared deleted by force is not.
-- alive: the assignment that declares them alive. Nulls when the target has no such column.
-- Called by _revive_rows.
CREATE OR REPLACE FUNCTION pgimport._declared_sql(
    p_job pgimport.job,
    p_relation regclass,
    OUT declared text,
    OUT certain text,
    OUT alive text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_declared_sql$
DECLARE
    c_print CONSTANT text := pgimport._staging_name(p_job.job_id, '_print');
    v_xids xid[];
    v_written text;
    v_printed text := 'false';
    r_column record;
BEGIN
    SELECT
        a.attname AS name,
        a.atttypid AS type_oid,
        a.atttypmod AS typmod,
        format_type(a.atttypid, a.atttypmod) AS type
    INTO r_column
    FROM pgimport.target AS t
    INNER JOIN pg_attribute AS a
        ON a.attrelid = p_relation
            AND a.attname = t.options ->> 'soft_delete'
            AND NOT a.attisdropped
    WHERE t.target_id = p_job.target_id;
    IF r_column.name IS NULL THEN
        RETURN;
    END IF;

    SELECT array_agg(w.row_xmin) INTO v_xids
    FROM pgimport.job_write AS w
    WHERE w.job_id = p_job.job_id
        AND w.relation_oid = p_relation
        AND w.system_identifier = (SELECT c.system_identifier FROM pg_control_system() AS c)
        AND w.database_oid = (
            SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
        )
        AND w.act = 'rollback'
        -- since it was inserted or redone last
        AND w.write_no > (
            SELECT max(i.write_no) FROM pgimport.job_write AS i
            WHERE i.job_id = p_job.job_id AND i.act = 'insert'
        );
    v_written := CASE
        WHEN v_xids IS NULL THEN 'false' ELSE format('t.xmin = ANY (%L::xid[])', v_xids)
    END;
    IF to_regclass(format('pgimport_staging.%I', c_print)) IS NOT NULL THEN
        v_printed := format(
            'EXISTS (SELECT FROM pgimport_staging.%I AS p WHERE p.key_hash = %s AND p.row_hash = %s)',
            c_print, pgimport._key_print_sql(p_job),
            pgimport._row_print_sql(p_relation, p_job.print_columns)
        );
    END IF;

    declared := format('t.import_job_id = %L::uuid AND ', p_job.job_id) || CASE
        WHEN r_column.type_oid = 'boolean'::regtype
            THEN format('t.%I AND %s', r_column.name, v_written)
        -- of one day or second there may be others: only where no xmin tells
        WHEN (r_column.type_oid = 'date'::regtype OR r_column.typmod BETWEEN 0 AND 5)
            AND v_xids IS NOT NULL
            THEN format('t.%I IS NOT NULL AND %s', r_column.name, v_written)
        ELSE format(
            't.%1$I IS NOT NULL AND (%2$s OR t.%1$I = %3$L::timestamptz::%4$s)',
            r_column.name, v_written, p_job.rolled_back_at, r_column.type
        )
    END;
    certain := CASE
        WHEN p_job.rollback_mode IN ('refuse', 'keep_modified') AND p_job.partial_rollbacks = 0
            THEN format('(%s OR %s)', v_written, v_printed)
        ELSE v_printed
    END;
    alive := format(
        '%I = %s', r_column.name,
        CASE r_column.type_oid WHEN 'boolean'::regtype THEN 'false' ELSE 'NULL' END
    );
END;
$_declared_sql$;

COMMENT ON FUNCTION pgimport._declared_sql(pgimport.job, regclass) IS
'internal: SQL of the rows of a job that its rollback declared deleted.';
