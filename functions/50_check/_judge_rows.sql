-- Looks for the rows that break a constraint and writes an issue for each: in one query, or, where
-- the constraint itself fails on some value (a division by zero, a function that raises), piece by
-- piece and at last row by row; what makes it fail breaks it, as it would fail the INSERT.
-- p_table: suffix of the staging table whose rows are judged, _value or _doubt.
-- Called by _check_constraints. Returns the number of such rows.
CREATE OR REPLACE FUNCTION pgimport._judge_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_table text,
    p_constraint record,
    p_search_path text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_judge_rows$
DECLARE
    -- a megabyte: ten thousand rows of a hundred bytes
    c_pages CONSTANT bigint := 128;
    c_table CONSTANT text := pgimport._staging_name(p_job.job_id, p_table);
    v_found bigint;
    v_all bigint := 0;
    v_pages bigint := pg_relation_size(format('pgimport_staging.%I', c_table)::regclass)
    / current_setting('block_size')::bigint;
    v_first bigint := 0;
BEGIN
    v_found := pgimport._add_violations(
        p_job, p_constraint,
        pgimport._judging_sql(p_job, p_relation, p_table, p_constraint, 'true'), NULL,
        p_search_path
    );
    IF v_found IS NOT NULL THEN
        RETURN v_found;
    END IF;

    WHILE v_first <= v_pages LOOP
        v_found := pgimport._add_violations(
            p_job, p_constraint,
            pgimport._judging_sql(p_job, p_relation, p_table, p_constraint, format(
                '"pgimport ctid" >= ''(%s,0)'' AND "pgimport ctid" < ''(%s,0)''',
                v_first, v_first + c_pages
            )), NULL, p_search_path
        );
        IF v_found IS NULL THEN
            v_found := pgimport._judge_each(
                p_job, p_constraint, c_table, v_first, v_first + c_pages,
                pgimport._judging_sql(
                    p_job, p_relation, p_table, p_constraint, '"pgimport ctid" = $1'
                ),
                format(
                    'SELECT r."pgimport file_no", r."pgimport row_no", %s FROM %s AS r '
                    'WHERE r."pgimport ctid" = $1',
                    pgimport._shown_values(p_job, p_constraint.shown),
                    pgimport._row_sql(p_job, p_relation, p_table)
                ), p_search_path
            );
        END IF;
        v_all := v_all + v_found;
        v_first := v_first + c_pages;
    END LOOP;
    RETURN v_all;
END;
$_judge_rows$;

COMMENT ON FUNCTION pgimport._judge_rows(pgimport.job, regclass, text, record, text) IS
'internal: writes an issue for every row that breaks a constraint.';

-- SQL of the rows (file_no, row_no, value) that break a constraint, among those of a filter.
-- Called by _judge_rows.
CREATE OR REPLACE FUNCTION pgimport._judging_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_table text,
    p_constraint record,
    p_filter text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_judging_sql$
DECLARE
    v_shown text := pgimport._shown_values(p_job, p_constraint.shown);
    v_rows text := pgimport._row_sql(p_job, p_relation, p_table);
BEGIN
    -- a foreign key is a join
    IF p_constraint.kind = 'foreign_key' THEN
        RETURN format(
            'SELECT r."pgimport file_no", r."pgimport row_no", %s FROM %s AS r '
            'WHERE %s AND NOT r."pgimport bad" && %L AND (%s)',
            v_shown, v_rows, p_filter, p_constraint.needs,
            -- rows are updated before others are inserted: an update may not refer to those
            replace(p_constraint.condition, '{rows}', CASE p_table
                WHEN '_merged' THEN v_rows ELSE pgimport._all_rows_sql(p_job, p_relation) END)
        );
    END IF;
    -- CASE keeps the parts of a condition in their order, and behind OFFSET 0 the planner computes
    -- nothing of it beforehand
    RETURN format(
        'SELECT r."pgimport file_no", r."pgimport row_no", %s FROM ('
        'SELECT r.*, CASE WHEN r."pgimport bad" && %L THEN false ELSE %s END AS "pgimport broken" '
        'FROM %s AS r WHERE %s OFFSET 0) AS r WHERE r."pgimport broken"',
        v_shown, p_constraint.needs, p_constraint.condition, v_rows, p_filter
    );
END;
$_judging_sql$;

COMMENT ON FUNCTION pgimport._judging_sql(pgimport.job, regclass, text, record, text) IS
'internal: SQL of the rows that break a constraint.';

-- SQL of the values of some columns of a row r as one text for people; sensitive ones are masked.
-- Called by _judge_rows and _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._shown_values(
    p_job pgimport.job,
    p_columns text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_shown_values$
BEGIN
    RETURN coalesce('nullif(concat_ws('', '', ' || (
        SELECT string_agg(
            CASE WHEN t.rules @> '{"sensitive": true}'
                THEN format('pgimport._mask(r.%I::text) COLLATE "C"', c.name)
                ELSE format('r.%I::text COLLATE "C"', c.name) END, ', ' ORDER BY c.place
        )
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
        INNER JOIN pgimport._target_columns(p_job.target_id) AS t
            ON t.column_name = c.name AND NOT t.generated
    ) || '), '''')', 'NULL::text');
END;
$_shown_values$;

COMMENT ON FUNCTION pgimport._shown_values(pgimport.job, text[]) IS
'internal: SQL of the values of some columns of a row as one text for people.';

-- The rows that a query finds, read with as many workers as the planner likes.
-- Called by _add_violations.
CREATE OR REPLACE FUNCTION pgimport._violations(
    p_query text,
    p_ctid tid,
    p_search_path text
)
RETURNS TABLE (
    file_no integer,
    row_no bigint,
    value text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
SET jit = off
AS $_violations$
-- made where it was quoted; columns come from it:
-- @plpgsql_check_options: security_warnings = false, extra_warnings = false
BEGIN
    -- functions of the constraint run under the caller's path
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    RETURN QUERY EXECUTE p_query USING p_ctid;
END;
$_violations$;

COMMENT ON FUNCTION pgimport._violations(text, tid, text) IS
'internal: the rows that a query over staged rows finds.';

-- Runs a query for rows (file_no, row_no, value) that break a constraint and writes an issue for
-- each. Returns their number; null where the query itself fails on some value.
-- Called by _judge_rows, _judge_each and _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._add_violations(
    p_job pgimport.job,
    p_constraint record,
    p_query text,
    p_ctid tid,
    p_search_path text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_add_violations$
-- the query was quoted where it was made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_longest_value CONSTANT integer := 1000;
    v_insert text := format(
        'INSERT INTO pgimport.issue '
        '(job_id, file_no, row_no, line_no, column_name, code, message, value, hint) '
        'SELECT $2, q.file_no, q.row_no, coalesce(s.line_no, q.row_no + f.line_offset), %L, $3, '
        'pgimport._issue_message($3, left(q.value, %s), $4), left(q.value, %s), '
        'pgimport._issue_hint($3) FROM pgimport._violations($5, $1, $6) AS q '
        'INNER JOIN pgimport.file AS f ON f.job_id = $2 AND f.file_no = q.file_no '
        'LEFT JOIN pgimport_staging.%I AS s ON s.file_no = q.file_no AND s.row_no = q.row_no '
        'ORDER BY q.file_no, q.row_no',
        nullif(array_to_string(p_constraint.columns, ', '), ''),
        c_longest_value,
        c_longest_value,
        pgimport._staging_name(p_job.job_id)
    );
    v_found bigint;
BEGIN
    EXECUTE v_insert USING p_ctid, p_job.job_id, p_constraint.code, p_constraint.detail, p_query,
        p_search_path;
    GET DIAGNOSTICS v_found = ROW_COUNT;
    RETURN v_found;
EXCEPTION
    WHEN data_exception OR integrity_constraint_violation OR cardinality_violation
        OR program_limit_exceeded OR plpgsql_error OR feature_not_supported OR internal_error
        OR undefined_function
    THEN
        RETURN NULL;
END;
$_add_violations$;

COMMENT ON FUNCTION pgimport._add_violations(pgimport.job, record, text, tid, text) IS
'internal: writes an issue for each row that a query finds; null where the query fails.';

-- Judges the rows of a piece of a staging table one by one. Called by _judge_rows for pieces in
-- which the constraint itself fails. Returns the number of rows that break it or make it fail.
CREATE OR REPLACE FUNCTION pgimport._judge_each(
    p_job pgimport.job,
    p_constraint record,
    p_table text,
    p_first_page bigint,
    p_end_page bigint,
    p_query text,
    p_row_query text,
    p_search_path text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_judge_each$
DECLARE
    v_found bigint;
    v_all bigint := 0;
    v_place tid;
BEGIN
    FOR v_place IN EXECUTE format(
        'SELECT v.ctid FROM pgimport_staging.%I AS v '
        'WHERE v.ctid >= ''(%s,0)''::tid AND v.ctid < ''(%s,0)''::tid',
        p_table, p_first_page, p_end_page
    ) LOOP
        v_found := pgimport._add_violations(
            p_job, p_constraint, p_query, v_place, p_search_path
        );
        -- that a generated column cannot be computed is an issue of its own
        IF v_found IS NULL AND p_constraint.code NOT IN ('required', 'too_long') THEN
            v_found := pgimport._add_violations(
                p_job, p_constraint, p_row_query, v_place, p_search_path
            );
        END IF;
        v_all := v_all + coalesce(v_found, 0);
    END LOOP;
    RETURN v_all;
END;
$_judge_each$;

COMMENT ON FUNCTION pgimport._judge_each(
    pgimport.job, record, text, bigint, bigint, text, text, text
) IS
'internal: judges rows by a constraint one by one.';
