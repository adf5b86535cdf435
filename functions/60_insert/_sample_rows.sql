-- Positions (file_no and row_no in one number) of the clean rows of a job at which an insert may
-- break sooner than at others: first and last of each file; longest texts, smallest and largest of
-- numbers, dates and times, most nulls, the first and last of each kind. Two scans of the table of
-- values, whatever the number of columns. Called by _sample_rows.
CREATE OR REPLACE FUNCTION pgimport._edge_rows(
    p_job pgimport.job
)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET parallel_tuple_cost = 0
AS $_edge_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- a list of columns has 1664 at most
    c_columns CONSTANT integer := 200;
    v_rows text;
    v_values text[];
    v_extremes text;
    v_texts text;
    v_found text[];
    v_places text;
    v_edges bigint[];
    v_others bigint[];
BEGIN
    v_rows := format(
        'pgimport_staging.%I AS v', pgimport._staging_name(p_job.job_id, '_value')
    );
    WITH measure AS (
        SELECT c.key_position, c.column_no, m.extreme, m.value_sql
        FROM (
            SELECT w.* FROM pgimport._written_columns(p_job) AS w
            ORDER BY w.key_position, w.column_no LIMIT c_columns
        ) AS c
        CROSS JOIN LATERAL (
            SELECT e.extreme, format('v.c%s::%s', c.column_no, format_type(c.base_type, NULL))
            FROM unnest('{min,max}'::text[]) AS e (extreme)
            WHERE c.base_type IN (
                    'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
                    'numeric'::regtype, 'real'::regtype, 'double precision'::regtype,
                    'money'::regtype, 'date'::regtype, 'time'::regtype, 'timestamp'::regtype,
                    'timestamptz'::regtype, 'interval'::regtype
                )
            UNION ALL
            SELECT 'max', format('octet_length(v.c%s::text)', c.column_no) WHERE c.is_text
        ) AS m (extreme, value_sql)
        UNION ALL
        SELECT NULL, 0, 'max', string_agg(format('(v.c%s IS NULL)::integer', w.column_no), ' + ')
        FROM pgimport._written_columns(p_job) AS w
    ),

    numbered AS (
        SELECT m.*, row_number() OVER (ORDER BY m.key_position, m.column_no, m.extreme) AS n
        FROM measure AS m
    )

    SELECT
        array_agg(n.value_sql ORDER BY n.n),
        string_agg(format('%s(%s) AS e%s', n.extreme, n.value_sql, n.n), ', ' ORDER BY n.n),
        string_agg(format('%s(v.e%s)::text', n.extreme, n.n), ', ' ORDER BY n.n)
    INTO v_values, v_extremes, v_texts
    FROM numbered AS n;

    EXECUTE format(
        'SELECT ARRAY[%s], array_agg(v.file_no::bigint << 40 | v.a) '
        '|| array_agg(v.file_no::bigint << 40 | v.z) FROM ('
        'SELECT v.file_no, min(v.row_no) AS a, max(v.row_no) AS z, %s FROM %s WHERE %s '
        'GROUP BY v.file_no) AS v',
        v_texts, v_extremes, v_rows, pgimport._clean_sql(p_job)
    ) INTO v_found, v_edges;

    -- the extremes as literals: so this scan, too, is one of several workers
    SELECT string_agg(
        format(
            'min(%1$s) FILTER (WHERE %2$s = %3$L), max(%1$s) FILTER (WHERE %2$s = %3$L)',
            pgimport._place_sql(), e.value_sql, e.found
        ), ', '
    ) INTO v_places
    FROM unnest(v_values, v_found) AS e (value_sql, found);
    EXECUTE format(
        'SELECT ARRAY[%s] FROM %s WHERE %s', v_places, v_rows, pgimport._clean_sql(p_job)
    ) INTO v_others;

    SELECT array_agg(DISTINCT e) INTO v_edges
    FROM unnest(v_edges || v_others) AS e
    WHERE e IS NOT NULL;
    RETURN v_edges;
END;
$_edge_rows$;

COMMENT ON FUNCTION pgimport._edge_rows(pgimport.job) IS
'internal: positions of the clean rows of a job with the most extreme values.';

-- SQL of the position of a row v of a job: its file and its number in one.
CREATE OR REPLACE FUNCTION pgimport._place_sql()
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN '(v.file_no::bigint << 40 | v.row_no)';

COMMENT ON FUNCTION pgimport._place_sql() IS
'internal: SQL of the position of a staged row in its job.';

-- Puts clean rows of a job into its table of rehearsal, which is like the table of values, with a
-- number "place" from 1 in the order of the files: all of them, or p_size of them: rows at the
-- edges first, then the first and the last tenth, then any. Returns how many they are: p_size if
-- there are as many clean rows. Called by rehearse_job, inside what it undoes.
CREATE OR REPLACE FUNCTION pgimport._sample_rows(
    p_job pgimport.job,
    p_size integer
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_sample_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_place CONSTANT text := pgimport._place_sql();
    v_share bigint := greatest(p_size / 10, 1);
    v_edges bigint[];
    v_rank text;
    -- of all rows, those among which as many are drawn as are wanted: so many more, that chance
    -- leaves too few once in a thousand million times, and of a small job all
    v_drawn numeric := (p_size + 6 * sqrt(p_size) + 20) / nullif(p_job.clean_rows, 0);
    v_rows bigint;
BEGIN
    IF p_size < p_job.clean_rows THEN
        v_edges := pgimport._edge_rows(p_job);
        v_rank := format(
            'CASE WHEN %1$s = ANY (%2$L::bigint[]) THEN 0 '
            'WHEN %1$s < %3$s OR %1$s > %4$s THEN 1 WHEN random() < %5$s THEN 2 END',
            c_place,
            v_edges,
            (SELECT min(e) FROM unnest(v_edges) AS e) + v_share,
            (SELECT max(e) FROM unnest(v_edges) AS e) - v_share,
            round(v_drawn, 9)
        );
    END IF;

    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%1$I WITH (autovacuum_enabled = false) AS '
        'SELECT row_number() OVER (ORDER BY v.file_no, v.row_no) AS place, v.* FROM ('
        'SELECT v.* FROM (SELECT v.*, %3$s AS rank FROM pgimport_staging.%2$I AS v OFFSET 0) AS v '
        'WHERE v.rank IS NOT NULL AND %4$s%5$s) AS v',
        pgimport._staging_name(p_job.job_id, '_rehearsal'),
        pgimport._staging_name(p_job.job_id, '_value'),
        coalesce(v_rank, '0'),
        pgimport._clean_sql(p_job),
        CASE WHEN v_rank IS NOT NULL
            THEN format(' ORDER BY v.rank, random() LIMIT %s', p_size) END
    );
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END;
$_sample_rows$;

COMMENT ON FUNCTION pgimport._sample_rows(pgimport.job, integer) IS
'internal: makes the table of the rows of a job that are rehearsed.';
