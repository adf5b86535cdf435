-- Goes through a job's staged rows in pieces of about ten thousand and looks for culprits only in
-- those that do not pass the optimistic scan: a few bad values in millions cost a few pieces.
-- Called by _validate_values when the scan over all rows found something.
CREATE OR REPLACE FUNCTION pgimport._search_issues(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_search_issues$
DECLARE
    -- a megabyte: ten thousand rows of a hundred bytes
    c_pages CONSTANT bigint := 128;
    v_block_size CONSTANT bigint := current_setting('block_size')::bigint;
    v_table text;
    v_pages bigint;
    v_first bigint;
    v_rows text;
    v_suspects text[];
BEGIN
    FOR v_table, v_pages IN
        SELECT
            f.staging_table,
            pg_relation_size(format('pgimport_staging.%I', f.staging_table)::regclass)
            / v_block_size
        FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.status = 'staged'
        ORDER BY f.file_no
    LOOP
        FOR v_first IN SELECT generate_series(0, v_pages, c_pages) LOOP
            v_rows := format(
                '(SELECT p.* FROM pgimport_staging.%I AS p WHERE p.ctid >= ''(%s,0)''::tid '
                'AND p.ctid < ''(%s,0)''::tid)', v_table, v_first, v_first + c_pages
            );
            v_suspects := pgimport._scan_values(p_job, v_rows);
            IF cardinality(v_suspects) > 0 THEN
                PERFORM pgimport._find_issues(p_job, v_rows, v_suspects);
            END IF;
        END LOOP;
    END LOOP;
END;
$_search_issues$;

COMMENT ON FUNCTION pgimport._search_issues(pgimport.job) IS
'internal: looks for wrong values in the pieces of a job''s rows that do not cast in bulk.';
