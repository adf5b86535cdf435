-- SQL condition on a row of the target (alias t) that proves it untouched: its xmin is that of a
-- (sub)transaction in which this job wrote rows. Only good in the database and the table where
-- they were written, and for two thousand million transactions: after that it is never true, and
-- every row counts as modified.
-- Called by verify_job and the rollback planner.
CREATE OR REPLACE FUNCTION pgimport._untouched_sql(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_untouched_sql$
DECLARE
    -- transaction ids are 32 bits wide in a row; past this age one may come again
    c_oldest CONSTANT numeric := 2000000000;
    v_xids xid[];
BEGIN
    SELECT array_agg(w.row_xmin) INTO v_xids
    FROM pgimport.job_write AS w
    WHERE w.job_id = p_job.job_id
        AND w.act = 'insert'
        AND w.relation_oid = p_relation
        AND w.system_identifier = (SELECT system_identifier FROM pg_control_system())
        AND w.database_oid = (
            SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
        )
        AND pg_snapshot_xmax(pg_current_snapshot())::text::numeric
            - w.transaction_id::text::numeric BETWEEN 0 AND c_oldest;

    -- format() writes NULL for a null: 'false' is what the planner asks for
    RETURN CASE
        WHEN v_xids IS NULL THEN 'false' ELSE format('t.xmin = ANY (%L::xid[])', v_xids)
    END;
END;
$_untouched_sql$;

COMMENT ON FUNCTION pgimport._untouched_sql(pgimport.job, regclass) IS
'internal: SQL condition that proves a row of the target untouched since the job wrote it.';
