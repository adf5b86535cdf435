-- Names of a job's tables in schema pgimport_staging.
-- Called wherever staged rows are read or written. Suffixes: none (all rows, partitioned by file),
-- _f<file_no> (one file), _value (the valid rows, cast), _mark (invalid rows and duplicates),
-- _rows (view for people).
CREATE OR REPLACE FUNCTION pgimport._staging_name(
    p_job_id uuid,
    p_suffix text DEFAULT ''
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN concat('job_', replace(p_job_id::text, '-', ''), p_suffix);

COMMENT ON FUNCTION pgimport._staging_name(uuid, text) IS
'internal: name of a table of a job in schema pgimport_staging.';
