-- Looks for culprits among a job's staged rows: in pieces of about ten thousand, and only in those
-- that do not pass the optimistic scan, so that a few bad values in millions cost a few pieces. If
-- pieces from all over the files mostly fail, everything is looked through at once, in parallel.
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
    c_tried CONSTANT integer := 8;
    v_block_size CONSTANT bigint := current_setting('block_size')::bigint;
    v_pieces text[];
    v_rows text;
    v_suspects text[];
    v_failed integer := 0;
    v_place bigint := 0;
    v_started timestamptz := clock_timestamp();
    v_staged CONSTANT bigint := (
        SELECT sum(f.rows_staged) FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.status = 'staged'
    );
BEGIN
    SELECT array_agg(
        format(
            '(SELECT p.* FROM pgimport_staging.%I AS p WHERE p.ctid >= ''(%s,0)''::tid '
            'AND p.ctid < ''(%s,0)''::tid)', f.staging_table, g.first, g.first + c_pages
        ) ORDER BY f.file_no, g.first
    ) INTO v_pieces
    FROM pgimport.file AS f
    CROSS JOIN LATERAL generate_series(
        0,
        pg_relation_size(format('pgimport_staging.%I', f.staging_table)::regclass) / v_block_size,
        c_pages
    ) AS g (first)
    WHERE f.job_id = p_job.job_id AND f.status = 'staged';

    IF cardinality(v_pieces) > c_tried THEN
        FOR i IN 1 .. c_tried LOOP
            v_suspects := pgimport._scan_values(
                p_job, v_pieces[i * cardinality(v_pieces) / c_tried]
            );
            v_failed := v_failed + (cardinality(v_suspects) > 0)::integer;
        END LOOP;
        -- a piece that was not tried may be bad in any column
        IF v_failed * 2 > c_tried THEN
            PERFORM pgimport._find_issues(
                p_job,
                format('pgimport_staging.%I', pgimport._staging_name(p_job.job_id)),
                ARRAY(SELECT c.column_name FROM pgimport._written_columns(p_job) AS c)
            );
            RETURN;
        END IF;
    END IF;

    FOREACH v_rows IN ARRAY coalesce(v_pieces, '{}') LOOP
        -- pieces are of one size: so many rows, about, are looked through
        PERFORM pgimport._begin_phase(
            p_job.job_id, 'issues', 0, v_staged * v_place / cardinality(v_pieces), v_started
        );
        v_place := v_place + 1;
        v_suspects := pgimport._scan_values(p_job, v_rows);
        IF cardinality(v_suspects) > 0 THEN
            PERFORM pgimport._find_issues(p_job, v_rows, v_suspects);
        END IF;
    END LOOP;
END;
$_search_issues$;

COMMENT ON FUNCTION pgimport._search_issues(pgimport.job) IS
'internal: looks for wrong values in a job''s rows, piece by piece or all at once.';
