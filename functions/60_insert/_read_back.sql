-- Reads the rows of a job back from a table that changes rows on their way in: counts them,
-- computes their checksum, and records every (sub)transaction that wrote some of them, for a
-- trigger may write rows again in one of its own.
-- p_rows: how many there should be. p_xmin: the one of the insert, recorded already.
-- Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._read_back(
    p_job_id uuid,
    p_relation regclass,
    p_columns text[],
    p_rows bigint,
    p_xmin xid,
    OUT rows_found bigint,
    OUT checksum text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_read_back$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_own bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE t.xmin = $2), %s FROM %s AS t WHERE %s',
        pgimport._target_checksum_sql(p_relation, p_columns),
        p_relation,
        pgimport._plan_job_rows(p_rows, p_relation)
    ) INTO rows_found, v_own, checksum USING p_job_id, p_xmin;

    IF v_own < rows_found THEN
        EXECUTE format(
            'SELECT count(pgimport._record_write($1, $3, q.n, q.xmin)) FROM ('
            'SELECT t.xmin, count(*) AS n FROM %s AS t '
            'WHERE t.import_job_id = $1 AND t.xmin <> $2 GROUP BY t.xmin) AS q', p_relation
        ) INTO v_own USING p_job_id, p_xmin, p_relation;
    END IF;
END;
$_read_back$;

COMMENT ON FUNCTION pgimport._read_back(uuid, regclass, text[], bigint, xid) IS
'internal: counts and sums the rows of a job in its target, and records what wrote them.';
