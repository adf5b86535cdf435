-- The first staged rows of a job, in the order of its files. Rows are numbered from 1 in the order
-- in which they were loaded: where the first pages of a file hold the numbers from 1 on without a
-- gap, these are its first rows and nothing more is read. last_page: none of them is behind it, in
-- any file; null where whole files had to be read. Called by preview_job.
CREATE OR REPLACE FUNCTION pgimport._first_rows(
    p_job pgimport.job,
    p_limit integer,
    OUT file_nos integer[],
    OUT row_nos bigint[],
    OUT last_page bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_first_rows$
-- the name was quoted where it was made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- two long rows fill a page
    c_rows_per_page CONSTANT integer := 2;
    c_pages CONSTANT bigint := 16 + p_limit / c_rows_per_page;
    v_whole boolean := false;
    v_wanted integer;
    v_rows bigint[];
    r_file record;
BEGIN
    file_nos := '{}'::integer[];
    row_nos := '{}'::bigint[];
    FOR r_file IN
        SELECT f.file_no, f.staging_table FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.status = 'staged'
        ORDER BY f.file_no
    LOOP
        v_wanted := p_limit - cardinality(row_nos);
        EXIT WHEN v_wanted = 0;
        EXECUTE format(
            'SELECT array_agg(s.row_no ORDER BY s.row_no) FROM pgimport_staging.%I AS s '
            'WHERE s.ctid < ''(%s,0)''::tid AND s.row_no <= %s',
            r_file.staging_table, c_pages, v_wanted
        ) INTO v_rows;
        IF v_rows[1] IS DISTINCT FROM 1 OR cardinality(v_rows) < v_wanted THEN
            v_whole := true;
            EXECUTE format(
                'SELECT array_agg(q.row_no ORDER BY q.row_no) FROM ('
                'SELECT s.row_no FROM pgimport_staging.%I AS s ORDER BY s.row_no LIMIT %s) AS q',
                r_file.staging_table, v_wanted
            ) INTO v_rows;
        END IF;
        row_nos := row_nos || v_rows;
        file_nos := file_nos
            || array_fill(r_file.file_no, ARRAY[coalesce(cardinality(v_rows), 0)]);
    END LOOP;
    last_page := CASE WHEN NOT v_whole THEN c_pages END;
END;
$_first_rows$;

COMMENT ON FUNCTION pgimport._first_rows(pgimport.job, integer) IS
'internal: the numbers of the first staged rows of a job.';

-- The first staged rows as they would be written, as a preview shows them: [{file_no, file, row_no,
-- line_no, class, is_internal_duplicate, is_database_duplicate, values, issues, changes}, …].
-- p_compared: what is in the target may be read. Called by preview_job.
CREATE OR REPLACE FUNCTION pgimport._preview_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_limit integer,
    p_compared boolean
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
-- how many rows there are the planner cannot know
SET enable_nestloop = off
AS $_preview_rows$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    -- $4, $5: what every one of the rows satisfies, so that each scan passes over the others
    c_first CONSTANT text :=
        'INNER JOIN unnest($2, $3) AS n (file_no, row_no) USING (file_no, row_no) '
        'WHERE r.file_no = ANY ($4) AND r.row_no <= $5';
    v_names text;
    v_values text;
    v_rows jsonb;
    r_first record;
BEGIN
    SELECT f.* INTO STRICT r_first FROM pgimport._first_rows(p_job, p_limit) AS f;
    -- two arrays: a function takes a hundred arguments at most, a table has more columns
    SELECT
        format('ARRAY[%s]', string_agg(quote_literal(c.column_name), ', ' ORDER BY c.column_no)),
        format('ARRAY[%s]', string_agg(
            format(
                CASE WHEN c.is_sensitive THEN 'pgimport._mask(%s)' ELSE '%s' END,
                format('CASE WHEN m.invalid THEN %s ELSE %s END', c.staged_sql, c.shown_sql)
            ), ', ' ORDER BY c.column_no
        ))
    INTO v_names, v_values
    FROM pgimport._preview_columns(p_job, p_relation) AS c;

    EXECUTE format(
        'WITH s AS MATERIALIZED (SELECT r.* FROM pgimport_staging.%3$I AS r %7$s%8$s), '
        'v AS MATERIALIZED (SELECT r.* FROM pgimport_staging.%4$I AS r %7$s), '
        'm AS MATERIALIZED (SELECT r.file_no, r.row_no, bool_or(r.kind = ''x'') AS invalid, '
        'bool_or(r.kind = ''i'') AS internal, bool_or(r.kind = ''d'') AS database '
        'FROM pgimport_staging.%5$I AS r %7$s GROUP BY 1, 2), '
        'i AS MATERIALIZED (SELECT r.file_no, r.row_no, jsonb_agg(jsonb_build_object('
        '''column'', r.column_name, ''code'', r.code, ''message'', r.message, '
        '''value'', r.value) ORDER BY r.issue_id) AS issues '
        'FROM pgimport.issue AS r %7$s AND r.job_id = $1 GROUP BY 1, 2), '
        'c AS MATERIALIZED (%9$s) '
        'SELECT coalesce(jsonb_agg(jsonb_build_object('
        '''file_no'', s.file_no, ''file'', f.file_name, ''row_no'', s.row_no, '
        '''line_no'', coalesce(s.line_no, s.row_no + f.line_offset), ''class'', %6$s, '
        '''is_internal_duplicate'', coalesce(m.internal, false), '
        '''is_database_duplicate'', coalesce(m.database, false), '
        '''values'', jsonb_object(%1$s::text[], %2$s::text[]), '
        '''issues'', coalesce(i.issues, ''[]''), ''changes'', c.changes'
        ') ORDER BY s.file_no, s.row_no), ''[]'') '
        'FROM s '
        'INNER JOIN pgimport.file AS f ON f.job_id = $1 AND f.file_no = s.file_no '
        'LEFT JOIN v ON v.file_no = s.file_no AND v.row_no = s.row_no '
        'LEFT JOIN m ON m.file_no = s.file_no AND m.row_no = s.row_no '
        'LEFT JOIN i ON i.file_no = s.file_no AND i.row_no = s.row_no '
        'LEFT JOIN c ON c.file_no = s.file_no AND c.row_no = s.row_no',
        v_names,
        v_values,
        pgimport._staging_name(p_job.job_id),
        pgimport._staging_name(p_job.job_id, '_value'),
        pgimport._staging_name(p_job.job_id, '_mark'),
        pgimport._class_sql(p_job),
        c_first,
        CASE WHEN r_first.last_page IS NOT NULL
            THEN format(' AND r.ctid < ''(%s,0)''::tid', r_first.last_page) END,
        CASE
            WHEN p_compared THEN pgimport._preview_changes(p_job, p_relation)
            ELSE 'SELECT NULL::integer AS file_no, NULL::bigint AS row_no, NULL::jsonb AS changes'
        END
    ) INTO v_rows
    USING p_job.job_id, r_first.file_nos, r_first.row_nos,
        (SELECT array_agg(DISTINCT n) FROM unnest(r_first.file_nos) AS n),
        (SELECT max(n) FROM unnest(r_first.row_nos) AS n);

    RETURN v_rows;
END;
$_preview_rows$;

COMMENT ON FUNCTION pgimport._preview_rows(pgimport.job, regclass, integer, boolean) IS
'internal: the first staged rows as they would be written, with classes, issues and changes.';
