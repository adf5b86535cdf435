-- Name under which a field of a file is staged: the target's column, or extra_<position> where it
-- is not mapped. Header text is data and never becomes an identifier. A target's column that is
-- called like one of the staging's own columns gets a suffix.
CREATE OR REPLACE FUNCTION pgimport._staged_name(
    p_column_name text,
    p_position integer
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_column_name IS NULL THEN concat('extra_', p_position)
    WHEN p_column_name IN ('file_no', 'row_no', 'line_no', 'import_job_id')
        OR p_column_name LIKE 'extra\_%'
    THEN concat(left(p_column_name, 50), '_value')
    ELSE p_column_name
END;

COMMENT ON FUNCTION pgimport._staged_name(text, integer) IS
'internal: name of the staging column for a field of a file.';
