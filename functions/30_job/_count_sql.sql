-- SQL condition that is always true and, for each row it is asked of, adds one to the live counter
-- of a job; "true" where there is none. It makes a statement unfit for workers: for statements that
-- write rows, which have none, and where it is asked of each row just before it is written.
-- Every thousandth row costs a look at the sequence itself: the others are counted in memory.
-- Called where statements are made that write to a target.
CREATE OR REPLACE FUNCTION pgimport._count_sql(
    p_job_id uuid
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_count_sql$
DECLARE
    v_counter regclass := pgimport._counter(p_job_id);
BEGIN
    -- every name in full: the statement runs under the caller's search_path
    RETURN coalesce(
        format(
            '(pg_catalog.nextval(%s::pg_catalog.oid::pg_catalog.regclass) '
            'OPERATOR(pg_catalog.>) 0)', v_counter::oid
        ),
        'true'
    );
END;
$_count_sql$;

COMMENT ON FUNCTION pgimport._count_sql(uuid) IS
'internal: SQL condition that counts rows in the live counter of a job as they are written.';
