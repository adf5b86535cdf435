-- Marks the rows of a job whose key is inside its files already: every row of a key but one.
-- Called by _mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._mark_repeated(
    p_job pgimport.job,
    p_key record,
    p_order text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_mark_repeated$
DECLARE
    v_hashes bigint[] := pgimport._repeated_hashes(p_key.repeated_hashes);
BEGIN
    IF p_key.hash IS NULL OR v_hashes IS NOT NULL THEN
        PERFORM pgimport._mark_rows(p_job.job_id, 'i', format(
            'SELECT q.file_no, q.row_no FROM (SELECT k.file_no, k.row_no, '
            'row_number() OVER (PARTITION BY %s ORDER BY %s) AS place '
            'FROM (%s) AS k WHERE %s%s) AS q WHERE q.place > 1',
            p_key.columns,
            p_order,
            p_key.staged_keys,
            p_key.repeated,
            ' AND ' || pgimport._hash_condition(p_key.hash, cardinality(v_hashes))
        ), v_hashes);
    END IF;
END;
$_mark_repeated$;

COMMENT ON FUNCTION pgimport._mark_repeated(pgimport.job, record, text) IS
'internal: marks the rows of a job whose key is inside its files already.';
