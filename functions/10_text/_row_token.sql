-- The token by which a row of a report is known again when it is sent back corrected: its file, its
-- row and a check that binds both to the job and to this staging of the file, as in
-- 1-3500-9f2c6a1b. A record that was refused while its file was read has the number of its issue
-- instead, as in 1-r17-4c1d22e0.
-- p_seed: the file's token_seed, drawn when it was opened; a file that is staged again has other
-- tokens. p_row_no: the row's number, or the issue's, negative. No digest of a cryptographic kind:
-- it guards against mistakes, and would take longer than all else of a row of a report.
-- Called by the reports and by apply_fix().
CREATE OR REPLACE FUNCTION pgimport._row_token(
    p_seed bigint,
    p_file_no integer,
    p_row_no bigint
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN p_file_no::text
|| CASE WHEN p_row_no < 0 THEN '-r' ELSE '-' END
|| abs(p_row_no)::text
|| '-'
|| lpad(to_hex(hashint8extended(p_row_no, p_seed) & 4294967295), 8, '0');

COMMENT ON FUNCTION pgimport._row_token(bigint, integer, bigint) IS
'internal: the token of a staged row, or of a refused record, in the reports of a job.';
