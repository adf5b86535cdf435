-- The sequence that numbers the rows of an open file; null where there is none.
-- Called by checkpoint_file.
CREATE OR REPLACE FUNCTION pgimport._row_numbers(
    p_file pgimport.file
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_row_numbers$
BEGIN
    RETURN pg_get_serial_sequence(
        format('pgimport_staging.%I', p_file.staging_table), 'row_no'
    )::regclass;
END;
$_row_numbers$;

COMMENT ON FUNCTION pgimport._row_numbers(pgimport.file) IS
'internal: the sequence that numbers the rows of an open file.';
