-- What the live counter of a job says at this moment: the phase, the seconds since it began, and
-- the rows done; all null where there is no counter, or none that the caller may read.
-- Values are taken from it a thousand at a time: at least so many rows are done, and fewer than a
-- thousand more; where one row of 16 is counted, about so many, and about 16,000 more at most. Rows
-- are null in a phase that counts none.
-- Called by job_progress.
CREATE OR REPLACE FUNCTION pgimport._read_counter(
    p_job_id uuid,
    OUT phase text,
    OUT seconds numeric,
    OUT rows_done bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- dropped by somebody whose transaction is not over: nothing to wait for
SET lock_timeout = '100ms'
AS $_read_counter$
DECLARE
    c_name CONSTANT text := pgimport._staging_name(p_job_id, '_count');
    c_cache CONSTANT integer := 1000;
    v_value bigint;
    v_is_called boolean;
    v_step integer;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_sequence AS s
        WHERE s.seqrelid = to_regclass(format('pgimport_staging.%I', c_name))
            AND has_sequence_privilege(s.seqrelid, 'SELECT')
    ) THEN
        RETURN;
    END IF;

    BEGIN
        EXECUTE format('SELECT last_value, is_called FROM pgimport_staging.%I', c_name)
        INTO STRICT v_value, v_is_called;
    EXCEPTION
        WHEN lock_not_available OR undefined_table THEN
            RETURN;
    END;

    phase := (pgimport._phase_names())[v_value / 100000000000000000 % 30];
    v_step := CASE WHEN v_value / 100000000000000000 >= 30 THEN 16 ELSE 1 END;
    seconds := mod(
        floor(extract(EPOCH FROM clock_timestamp()) * 10)::bigint
        - v_value / 10000000000 % 10000000 + 20000000, 10000000
    ) / 10.0;
    rows_done := v_value % 10000000000;
    IF v_is_called THEN
        -- the last of the thousand that were taken
        rows_done := greatest(rows_done - c_cache + 2, 1) * v_step;
    ELSIF rows_done = 0 AND (
        phase IS NULL OR phase NOT IN ('issues', 'update', 'insert', 'rollback', 'restore')
    ) THEN
        rows_done := NULL;
    ELSE
        rows_done := rows_done * v_step;
    END IF;
END;
$_read_counter$;

COMMENT ON FUNCTION pgimport._read_counter(uuid) IS
'internal: phase, seconds and rows that the live counter of a job says.';
