-- SQL of what an update of a job reads: rows v of its table of values, k their keys, t the row of
-- the target with that key, n the new values. Only rows that are in the target and repeat no other
-- row of the files. Called by _update_rows.
CREATE OR REPLACE FUNCTION pgimport._update_source_sql(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_update_source_sql$
DECLARE
    c_value CONSTANT text := format(
        'pgimport_staging.%I AS v', pgimport._staging_name(p_job.job_id, '_value')
    );
    c_mark CONSTANT text := format(
        'pgimport_staging.%I AS m', pgimport._staging_name(p_job.job_id, '_mark')
    );
    v_all pgimport.job := pgimport._batch_of(p_job, NULL, p_job.clean_rows);
    r_key record;
BEGIN
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(v_all) AS k;
    RETURN format(
        'FROM %s INNER JOIN (%s) AS m ON m.file_no = v.file_no AND m.row_no = v.row_no '
        'CROSS JOIN LATERAL (%s) AS k INNER JOIN %s AS t ON %s '
        'CROSS JOIN LATERAL (SELECT %s) AS n WHERE %s',
        c_value,
        CASE
            WHEN p_job.both_duplicates = 0
                THEN format('SELECT m.file_no, m.row_no FROM %s WHERE m.kind = ''d''', c_mark)
            ELSE format(
                'SELECT m.file_no, m.row_no FROM %s GROUP BY m.file_no, m.row_no '
                'HAVING bool_and(m.kind = ''d'')', c_mark
            )
        END,
        -- the same row of values, not read a second time
        replace(r_key.staged_keys, ' FROM ' || c_value, ''),
        p_relation,
        r_key.target_equal,
        (
            SELECT string_agg(format('%s AS n%s', c.merge_sql, c.place), ', ' ORDER BY c.place)
            FROM pgimport._merge_columns(p_job) AS c
        ),
        pgimport._window_sql(p_job, 'v')
    );
END;
$_update_source_sql$;

COMMENT ON FUNCTION pgimport._update_source_sql(pgimport.job, regclass) IS
'internal: SQL of the rows that a job may update, with their new values.';

-- Makes the empty table of before-images of a job, in place of one that an earlier insert made.
-- Its columns are of the types of the target's: as nothing else it gives a value back exactly.
-- Called by _update_rows. Raises PI207.
CREATE OR REPLACE FUNCTION pgimport._create_image(
    p_job pgimport.job,
    p_relation regclass,
    p_columns text[]
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_create_image$
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    -- a table has 1600 at most; two are needed for each, and some for the key and the row
    c_most CONSTANT integer := 780;
BEGIN
    IF cardinality(p_columns) > c_most THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('the job would update %s columns, of which %s at most can be taken '
                'back', cardinality(p_columns), c_most),
            HINT = 'map fewer fields, or keep columns: '
                'select pgimport.set_column(''codes'', ''note'', ''{"on_update": "keep"}'');';
    END IF;

    PERFORM pgimport._drop_staged(c_image);
    EXECUTE format(
        'CREATE TABLE pgimport_staging.%I AS SELECT NULL::integer AS file_no, '
        'NULL::bigint AS row_no, NULL::bigint AS key_hash, %s FROM %s AS t WITH NO DATA',
        c_image,
        (
            SELECT concat_ws(
                ', ',
                string_agg(format('t.%I AS k%s', k.name, k.place), ', ' ORDER BY k.place),
                (
                    SELECT string_agg(
                        format('t.%1$I AS o%2$s, t.%1$I AS n%2$s', c.name, c.place), ', '
                        ORDER BY c.place
                    )
                    FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
                )
            )
            FROM pgimport.target AS g
            CROSS JOIN LATERAL unnest(g.key_columns) WITH ORDINALITY AS k (name, place)
            WHERE g.target_id = p_job.target_id
        ),
        p_relation
    );
    EXECUTE format(
        'ALTER TABLE pgimport_staging.%I ADD COLUMN undone boolean NOT NULL DEFAULT false', c_image
    );
    EXECUTE format(
        'COMMENT ON TABLE pgimport_staging.%I IS %L', c_image, format(
            'Rows that the job updated: k their keys, o the values before and n after it, of %s.',
            coalesce(array_to_string(p_columns, ', '), 'no column')
        )
    );
    PERFORM pgimport._give_staging(p_job.job_id);
END;
$_create_image$;

COMMENT ON FUNCTION pgimport._create_image(pgimport.job, regclass, text[]) IS
'internal: makes the empty table of before-images of a job.';

-- Locks the rows that a job is to change, in the order of the key, and takes their before-images
-- in the same statement: what it says of a row is what nobody else can change any more. Rows that
-- are as the file says already are neither locked nor written. Called by _update_rows.
CREATE OR REPLACE FUNCTION pgimport._take_images(
    p_job pgimport.job,
    p_relation regclass,
    p_columns text[],
    OUT rows_found bigint,
    OUT rows_unchanged bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on
SET jit = off
AS $_take_images$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    c_wanted CONSTANT bigint := pgimport._rows_to_update(p_job);
    -- a row that was as the file says may be changed while others are waited for
    c_most_rounds CONSTANT integer := 3;
    v_source text := pgimport._update_source_sql(p_job, p_relation);
    v_differs text := pgimport._differs_sql(p_relation, p_columns, 'n.n%1$s', 't.%2$I');
    v_rows bigint;
BEGIN
    PERFORM pgimport._plan_keys(c_wanted, p_relation);
    rows_found := 0;
    FOR v_round IN 1..c_most_rounds LOOP
        EXECUTE format(
            'INSERT INTO pgimport_staging.%1$I (file_no, row_no, key_hash, %2$s, %3$s) '
            'SELECT v.file_no, v.row_no, %4$s, %5$s, %6$s %7$s AND %8$s%9$s '
            'ORDER BY %10$s FOR UPDATE OF t',
            c_image,
            (SELECT string_agg(format('k%s', k.key_position), ', ' ORDER BY k.key_position)
                FROM pgimport._key_columns(p_job.target_id) AS k),
            (SELECT string_agg(format('o%1$s, n%1$s', c.place), ', ' ORDER BY c.place)
                FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)),
            pgimport._key_print_sql(p_job),
            (SELECT string_agg(format('t.%I', k.column_name), ', ' ORDER BY k.key_position)
                FROM pgimport._key_columns(p_job.target_id) AS k),
            (SELECT string_agg(format('t.%I, n.n%s', c.name, c.place), ', ' ORDER BY c.place)
                FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)),
            v_source,
            v_differs,
            CASE WHEN v_round > 1 THEN format(
                ' AND NOT EXISTS (SELECT FROM pgimport_staging.%I AS i '
                'WHERE i.file_no = v.file_no AND i.row_no = v.row_no)', c_image
            ) END,
            (
                SELECT string_agg(
                    concat(
                        format('t.%I', k.column_name), '::' || k.compare_type,
                        ' COLLATE ' || k.collation_name
                    ), ', ' ORDER BY k.index_position
                )
                FROM pgimport._key_columns(p_job.target_id) AS k
            )
        );
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        rows_found := rows_found + v_rows;
        rows_unchanged := 0;
        EXIT WHEN rows_found = c_wanted;

        EXECUTE format('SELECT count(*) %s AND NOT %s', v_source, v_differs) INTO rows_unchanged;
        EXIT WHEN rows_found + rows_unchanged = c_wanted;
    END LOOP;
    -- the planner of the update and of a rollback knows nothing of it else
    EXECUTE format('ANALYZE pgimport_staging.%I', c_image);
END;
$_take_images$;

COMMENT ON FUNCTION pgimport._take_images(pgimport.job, regclass, text[]) IS
'internal: locks the rows that a job is to change and takes their before-images.';

-- Updates the rows of the target that are in the files, each column as its rule says, and keeps
-- what they were. Called by _write_rows, before it inserts. Raises PI207, PI401, and whatever the
-- table raises.
CREATE OR REPLACE FUNCTION pgimport._update_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT rows_updated bigint,
    OUT rows_unchanged bigint,
    OUT columns text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_update_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_wanted CONSTANT bigint := pgimport._rows_to_update(p_job);
    v_update text;
    v_written bigint;
BEGIN
    SELECT coalesce(array_agg(c.column_name ORDER BY c.place), '{}') INTO columns
    FROM pgimport._merge_columns(p_job) AS c;
    IF p_job.batch_after IS NULL THEN
        PERFORM pgimport._create_image(p_job, p_relation, columns);
    END IF;
    rows_updated := 0;
    rows_unchanged := c_wanted;
    IF c_wanted = 0 OR columns = '{}' THEN
        RETURN;
    END IF;

    PERFORM pgimport._begin_phase(p_job.job_id, 'images');
    SELECT i.* INTO STRICT rows_updated, rows_unchanged
    FROM pgimport._take_images(p_job, p_relation, columns) AS i;
    IF rows_updated + rows_unchanged <> c_wanted THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI401',
            MESSAGE = format('%s to be updated, but %s can be changed and %s as the file says',
                pgimport._count_of(c_wanted, 'row'), rows_updated, rows_unchanged),
            DETAIL = 'everything was undone',
            HINT = 'the others were deleted or got another key meanwhile, or a policy of '
                'row-level security keeps this role from updating them: check the job again';
    END IF;

    v_update := format(
        'UPDATE %s AS t SET %s FROM pgimport_staging.%I AS i WHERE %s AND %s AND %s',
        p_relation,
        (SELECT string_agg(format('%I = i.n%s', c.name, c.place), ', ' ORDER BY c.place)
            FROM unnest(columns) WITH ORDINALITY AS c (name, place)),
        pgimport._staging_name(p_job.job_id, '_image'),
        pgimport._image_key_sql(p_job),
        pgimport._window_sql(p_job, 'i'),
        pgimport._count_sql(
            p_job.job_id, rows_updated, 'i.row_no OPERATOR(pg_catalog.+) pg_catalog.hashtid(t.ctid)'
        )
    );
    PERFORM pgimport._begin_phase(p_job.job_id, 'update', rows_updated);
    -- the table's own triggers and checks run under the caller's search_path
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE v_update;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    IF v_written <> rows_updated THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI401',
            MESSAGE = format('%s to be updated, %s were',
                pgimport._count_of(rows_updated, 'row'), v_written),
            DETAIL = 'everything was undone',
            HINT = 'look for a trigger or rule of the table that drops updates, or a policy of '
                'row-level security';
    END IF;
END;
$_update_rows$;

COMMENT ON FUNCTION pgimport._update_rows(pgimport.job, regclass, text) IS
'internal: updates the rows of the target that are in the files and keeps before-images of them.';
