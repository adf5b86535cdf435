-- SQL condition that is always true and counts the rows it is asked of in the live counter of a
-- job; "true" where there is none. Up to a certain number each row adds one, else one of 16 does:
-- those of which a number is a multiple of 16. p_rows: as given to _begin_phase. p_number: SQL of
-- that number; it names every table of a join, so that it is not asked before the rows are joined.
-- The condition makes a statement unfit for workers: for statements that write rows, which have
-- none, and where it is asked of each row just before it is written. Values of the sequence are
-- taken a thousand at a time: the others cost no look at it. Called where statements are made that
-- write to a target.
CREATE OR REPLACE FUNCTION pgimport._count_sql(
    p_job_id uuid,
    p_rows bigint,
    p_number text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_count_sql$
DECLARE
    v_counter regclass := pgimport._counter(p_job_id);
    v_step integer := pgimport._count_step(p_rows);
BEGIN
    IF v_counter IS NULL THEN
        RETURN 'true';
    END IF;
    -- every name in full: the statement runs under the caller's search_path
    RETURN format(
        '(%spg_catalog.nextval(%s::pg_catalog.oid::pg_catalog.regclass) OPERATOR(pg_catalog.>) 0)',
        CASE WHEN v_step > 1 THEN format(
            '((%s) OPERATOR(pg_catalog.&) %s) OPERATOR(pg_catalog.<>) 0 OR ', p_number, v_step - 1
        ) END,
        v_counter::oid
    );
END;
$_count_sql$;

COMMENT ON FUNCTION pgimport._count_sql(uuid, bigint, text) IS
'internal: SQL condition that counts rows in the live counter of a job as they are written.';
