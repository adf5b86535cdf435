-- The token by which a row of a report is known again when it is sent back corrected: its file, its
-- row and a check that binds both to the job and to this staging of the file, as in
-- 1-3500-9f2c6a1b. A record that was refused while its file was read has the number of its issue
-- instead, as in 1-r17-4c1d22e0.
-- p_row_no: the row's number, or the issue's, negative. p_opened_at: when the file was opened; a
-- file that is staged again has other tokens.
-- Called by the reports and by apply_fix().
CREATE OR REPLACE FUNCTION pgimport._row_token(
    p_job_id uuid,
    p_opened_at timestamptz,
    p_file_no integer,
    p_row_no bigint
)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN p_file_no::text
|| CASE WHEN p_row_no < 0 THEN '-r' ELSE '-' END
|| abs(p_row_no)::text
|| '-'
|| left(
    encode(
        sha256(
            uuid_send(p_job_id) || timestamptz_send(p_opened_at) || int4send(p_file_no)
            || int8send(p_row_no)
        ),
        'hex'
    ), 8
);

COMMENT ON FUNCTION pgimport._row_token(uuid, timestamptz, integer, bigint) IS
'internal: the token of a staged row, or of a refused record, in the reports of a job.';
