-- Writes the clean rows of a job into its target and records what proves them untouched later.
-- One INSERT in key order, so that the leaves of the unique index are touched once; no ON CONFLICT:
-- the unique index is the last guard, and a conflict undoes the whole.
-- Called by insert_job inside its exception block. Raises PI401, and whatever the table raises.
CREATE OR REPLACE FUNCTION pgimport._write_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT rows_written bigint,
    OUT checksum text,
    OUT columns text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_write_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_insert text;
    v_xmin xid;
    v_stamped bigint;
    v_own bigint;
BEGIN
    SELECT
        array_agg(c.column_name ORDER BY c.column_no),
        format(
            'INSERT INTO %s (%s, import_job_id) SELECT %s, $1 FROM pgimport_staging.%I AS s '
            'WHERE NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
            'WHERE m.file_no = s.file_no AND m.row_no = s.row_no)%s',
            p_relation,
            string_agg(quote_ident(c.column_name), ', ' ORDER BY c.column_no),
            string_agg(c.write_sql, ', ' ORDER BY c.column_no),
            pgimport._staging_name(p_job.job_id),
            pgimport._staging_name(p_job.job_id, '_mark'),
            ' ORDER BY ' || (
                SELECT string_agg(
                    concat('(', w.typed_sql, ')', ' COLLATE ' || k.collation_name), ', '
                    ORDER BY k.index_position
                )
                FROM pgimport._key_columns(p_job.target_id) AS k
                INNER JOIN pgimport._written_columns(p_job) AS w ON w.column_name = k.column_name
            )
        )
    INTO columns, v_insert
    FROM pgimport._written_columns(p_job) AS c;

    -- the table's own triggers, defaults and checks run under the caller's search_path
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE v_insert USING p_job.job_id;
    GET DIAGNOSTICS rows_written = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    PERFORM pgimport._check_deferred(p_relation);

    v_xmin := pgimport._record_write(p_job.job_id, p_relation, rows_written, NULL);

    -- as read back, after triggers and defaults
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE t.xmin = $2), %s FROM %s AS t '
        'WHERE t.import_job_id = $1',
        pgimport._checksum_sql((
            SELECT string_agg(format('t.%I', c.name), ', ' ORDER BY c.place)
            FROM unnest(columns) WITH ORDINALITY AS c (name, place)
        )),
        p_relation
    ) INTO v_stamped, v_own, checksum USING p_job.job_id, v_xmin;

    -- a trigger of the table wrote some rows again in a subtransaction of its own
    IF v_own < v_stamped THEN
        EXECUTE format(
            'SELECT count(pgimport._record_write($1, $3, q.n, q.xmin)) FROM ('
            'SELECT t.xmin, count(*) AS n FROM %s AS t '
            'WHERE t.import_job_id = $1 AND t.xmin <> $2 GROUP BY t.xmin) AS q', p_relation
        ) INTO v_own USING p_job.job_id, v_xmin, p_relation;
    END IF;

    IF rows_written <> p_job.clean_rows OR v_stamped <> p_job.clean_rows THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI401',
            MESSAGE = format('%s expected, %s inserted, %s found with the id of the job',
                pgimport._count_of(p_job.clean_rows, 'row'), rows_written, v_stamped),
            DETAIL = 'everything was undone',
            HINT = 'look for a trigger or rule of the table that drops or changes rows';
    END IF;
END;
$_write_rows$;

COMMENT ON FUNCTION pgimport._write_rows(pgimport.job, regclass, text) IS
'internal: inserts the clean rows of a job, counts them and records what proves them untouched.';
