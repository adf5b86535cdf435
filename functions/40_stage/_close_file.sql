-- Counts what is staged of an open file and closes it: no further row gets a row number.
-- Called by finish_file and by the check, for files nobody closed. Raises PI303.
CREATE OR REPLACE FUNCTION pgimport._close_file(
    p_file pgimport.file,
    p_rows_parsed bigint,
    p_options jsonb
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_close_file$
DECLARE
    v_rows bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM pgimport_staging.%I', p_file.staging_table) INTO v_rows;

    IF v_rows <> p_rows_parsed THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI303',
            MESSAGE = format('file "%s": %s parsed, but %s staged',
                p_file.file_name, pgimport._count_of(p_rows_parsed, 'row'),
                pgimport._count_of(v_rows, 'row')),
            DETAIL = 'before PostgreSQL 18 a line that is only "\." ends COPY; psql cuts at NUL',
            HINT = format(
                'stage it again: select pgimport.stage_file(%L, %L, …, ''{"file_no": %s}'');',
                p_file.job_id, p_file.file_name, p_file.file_no
            );
    END IF;

    EXECUTE format(
        'ALTER TABLE pgimport_staging.%I ALTER COLUMN row_no DROP IDENTITY IF EXISTS',
        p_file.staging_table
    );

    UPDATE pgimport.file
    SET status = 'staged',
        rows_parsed = p_rows_parsed,
        rows_staged = v_rows,
        rows_refused = coalesce((p_options ->> 'rows_refused')::bigint, rows_refused),
        line_offset = coalesce((p_options ->> 'line_offset')::bigint, line_offset),
        sha256 = coalesce(p_options ->> 'sha256', sha256),
        bytes = coalesce((p_options ->> 'bytes')::bigint, bytes),
        finished_at = clock_timestamp()
    WHERE job_id = p_file.job_id AND file_no = p_file.file_no;

    PERFORM pgimport._log_event(
        p_file.job_id,
        'file_staged',
        jsonb_build_object(
            'file_no', p_file.file_no, 'file_name', p_file.file_name, 'rows_staged', v_rows
        )
    );

    RETURN v_rows;
END;
$_close_file$;

COMMENT ON FUNCTION pgimport._close_file(pgimport.file, bigint, jsonb) IS
'internal: counts the staged rows of a file, compares them with the rows parsed and closes it.';
