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
    v_fresh text := pgimport._fresh_sql(p_job_id);
    v_own bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE t.xmin = $2), %s FROM %s AS t WHERE %s AND %s',
        pgimport._target_checksum_sql(p_relation, p_columns),
        p_relation,
        pgimport._plan_job_rows(p_rows, p_relation),
        v_fresh
    ) INTO rows_found, v_own, checksum USING p_job_id, p_xmin;

    IF v_own < rows_found THEN
        EXECUTE format(
            'SELECT count(pgimport._record_write($1, $3, q.n, q.xmin)) FROM ('
            'SELECT t.xmin, count(*) AS n FROM %s AS t '
            'WHERE t.import_job_id = $1 AND t.xmin <> $2 AND %s GROUP BY t.xmin) AS q',
            p_relation, v_fresh
        ) INTO v_own USING p_job_id, p_xmin, p_relation;
    END IF;
END;
$_read_back$;

COMMENT ON FUNCTION pgimport._read_back(uuid, regclass, text[], bigint, xid) IS
'internal: counts and sums the rows of a job in its target, and records what wrote them.';

-- Reads the rows that a job updated back from a table that may change them on their way: what is
-- there now becomes the value after the update in their before-images. Counts them, and records
-- every (sub)transaction that wrote some of them. Nobody else can: they are locked.
-- p_xmin: the one of the update, recorded already. Called by _write_rows.
CREATE OR REPLACE FUNCTION pgimport._read_updates(
    p_job pgimport.job,
    p_relation regclass,
    p_columns text[],
    p_xmin xid
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_read_updates$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    v_key text := format(
        '%s AND %s', pgimport._image_key_sql(p_job), pgimport._window_sql(p_job, 'i')
    );
    v_found bigint;
    v_own bigint;
BEGIN
    EXECUTE format(
        'UPDATE pgimport_staging.%I AS i SET %s FROM %s AS t WHERE %s AND %s',
        c_image,
        (SELECT string_agg(format('n%s = t.%I', c.place, c.name), ', ' ORDER BY c.place)
            FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)),
        p_relation,
        v_key,
        pgimport._differs_sql(p_relation, p_columns, 'i.n%1$s', 't.%2$I')
    );
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE t.xmin = $1) '
        'FROM pgimport_staging.%I AS i INNER JOIN %s AS t ON %s', c_image, p_relation, v_key
    ) INTO v_found, v_own USING p_xmin;

    IF v_own < v_found THEN
        EXECUTE format(
            'SELECT count(pgimport._record_write($1, $3, q.n, q.xmin)) FROM ('
            'SELECT t.xmin, count(*) AS n FROM pgimport_staging.%I AS i INNER JOIN %s AS t ON %s '
            'WHERE t.xmin <> $2 GROUP BY t.xmin) AS q', c_image, p_relation, v_key
        ) INTO v_own USING p_job.job_id, p_xmin, p_relation;
    END IF;

    RETURN v_found;
END;
$_read_updates$;

COMMENT ON FUNCTION pgimport._read_updates(pgimport.job, regclass, text[], xid) IS
'internal: reads updated rows back into their before-images and records what wrote them.';
