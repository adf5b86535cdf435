-- SQL expression with the code of what is wrong with the value of a column in a row s of
-- _find_issues, null when it is right: s.t… is its text as it is cast, s.p… as it is looked up.
-- "cast" stands for a code that only the culprit's own text can tell.
-- Called by _find_issues.
CREATE OR REPLACE FUNCTION pgimport._value_code_sql(
    p_job_id uuid,
    p_column record
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_value_code_sql$
DECLARE
    c_text CONSTANT text := format('s.t%s', p_column.column_no);
BEGIN
    RETURN concat_ws(
        ' ',
        'CASE',
        CASE WHEN p_column.is_looked_up THEN format(
            'WHEN s.p%1$s IS NOT NULL AND %2$s IS NULL THEN %3$s', p_column.column_no, c_text,
            pgimport._lookup_code_sql(
                p_job_id, p_column.column_no, format('s.p%s', p_column.column_no)
            )
        ) END,
        format(
            'WHEN %s IS NULL THEN %s::text', c_text,
            CASE WHEN p_column.required THEN '''required''' ELSE 'NULL' END
        ),
        CASE WHEN p_column.required AND p_column.is_text
            THEN format('WHEN %s = '''' THEN ''required''', c_text) END,
        CASE WHEN p_column.max_length IS NOT NULL THEN format(
            'WHEN char_length(rtrim(%s, '' '')) > %s THEN ''too_long''',
            c_text, p_column.max_length
        ) END,
        'WHEN ' || nullif(
            pgimport._invalid_sql(c_text, p_column.type_name, p_column.type_oid), 'false'
        ) || ' THEN ''cast''',
        -- before 16 nothing tells what a cast would cut
        CASE WHEN p_column.loose_type IS NOT NULL
            AND current_setting('server_version_num')::integer < 160000
            THEN format(
                CASE
                    -- blanks at the end are cut without a word
                    WHEN p_column.base_type IN ('varchar[]'::regtype, 'bpchar[]'::regtype)
                        THEN 'WHEN EXISTS (SELECT FROM unnest((%1$s)::%2$s) AS e '
                            'WHERE rtrim(e::text, '' '') IS DISTINCT FROM '
                            'rtrim((ARRAY[e]::%3$s)[1]::text, '' '')) THEN ''cast'''
                    ELSE 'WHEN (%1$s)::%2$s IS DISTINCT FROM (%1$s)::%3$s THEN ''cast'''
                END,
                c_text, p_column.loose_type, p_column.type_name
            ) END,
        'ELSE ' || pgimport._rule_code_sql(
            format('(%s)::%s', c_text, p_column.type_name), p_column.type_name,
            p_column.is_text, p_column.key_position IS NOT NULL, p_column.rules
        ),
        'END'
    );
END;
$_value_code_sql$;

COMMENT ON FUNCTION pgimport._value_code_sql(uuid, record) IS
'internal: SQL with the code of what is wrong with a value of a column.';

-- The facts that go into the messages about a column, by code: its greatest length, its list of
-- values, its pattern and range. Called by _find_issues.
CREATE OR REPLACE FUNCTION pgimport._code_details(
    p_type_oid oid,
    p_max_length integer,
    p_rules jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_code_details$
DECLARE
    c_most_words CONSTANT integer := 20;
    v_words text[] := pgimport._words(
        p_rules -> 'allowed',
        (
            SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e
            WHERE e.enumtypid = p_type_oid
        )
    );
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'too_long', p_max_length,
        'pattern', p_rules -> 'pattern',
        'not_allowed', array_to_string(v_words[:c_most_words], ', ')
        || CASE WHEN cardinality(v_words) > c_most_words THEN ', …' ELSE '' END,
        'out_of_range', nullif(concat_ws(
            ', ', '≥ ' || (p_rules ->> 'min'), '≤ ' || (p_rules ->> 'max')
        ), ''),
        'bad_date', array_to_string(pgimport._words(p_rules -> 'date_formats', NULL), ', '),
        'ambiguous_date', array_to_string(pgimport._words(p_rules -> 'date_formats', NULL), ', ')
    ));
END;
$_code_details$;

COMMENT ON FUNCTION pgimport._code_details(oid, integer, jsonb) IS
'internal: the facts for the messages about a column, by issue code.';

-- The wrong values that a query finds, read with as many workers as the planner likes: a query
-- that a function returns is read in parallel, one of an INSERT is not. Called by _find_issues.
CREATE OR REPLACE FUNCTION pgimport._culprits(
    p_query text
)
RETURNS TABLE (
    file_no integer,
    row_no bigint,
    line_no bigint,
    name text,
    value text,
    code text,
    message text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
SET jit = off
AS $_culprits$
-- made where it was quoted; columns come from it:
-- @plpgsql_check_options: security_warnings = false, extra_warnings = false
BEGIN
    RETURN QUERY EXECUTE p_query;
END;
$_culprits$;

COMMENT ON FUNCTION pgimport._culprits(text) IS
'internal: the wrong values that a query over staged rows finds.';

-- Writes an issue row for every wrong value of the given columns among some staged rows.
-- Values of a sensitive column are not kept. Called by _search_issues for pieces in which the
-- optimistic scan found something, and by _recheck_rows.
CREATE OR REPLACE FUNCTION pgimport._find_issues(
    p_job pgimport.job,
    p_rows text,
    p_suspects text[]
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_find_issues$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_longest_value CONSTANT integer := 1000;
    v_texts text := '';
    v_codes text := '';
    v_wrong text[] := '{}'::text[];
    v_values text[] := '{}'::text[];
    r_column record;
BEGIN
    -- r…: as staged, p…: trimmed, t…: as it is cast, c…: the code of what is wrong, each once a row
    FOR r_column IN
        SELECT c.* FROM pgimport._written_columns(p_job) AS c
        WHERE c.column_name = ANY (p_suspects)
        ORDER BY c.column_no
    LOOP
        v_texts := v_texts || format(
            ', %1$s AS r%4$s%2$s, %3$s AS t%4$s',
            CASE WHEN r_column.rules @> '{"sensitive": true}'
                THEN format('pgimport._mask(%s)', r_column.raw_sql) ELSE r_column.raw_sql END,
            CASE WHEN r_column.is_looked_up
                THEN format(', %s AS p%s', r_column.plain_sql, r_column.column_no) END,
            r_column.text_sql,
            r_column.column_no
        );
        v_codes := v_codes || format(
            ', %s AS c%s', pgimport._value_code_sql(p_job.job_id, r_column), r_column.column_no
        );
        v_wrong := v_wrong || format('s.c%s IS NOT NULL', r_column.column_no);
        v_values := v_values || format(
            '(%1$L, s.r%2$s, %5$L::jsonb, %4$L, CASE s.c%2$s WHEN ''cast'' THEN %3$s '
            'ELSE s.c%2$s END)',
            r_column.column_name,
            r_column.column_no,
            CASE
                WHEN pgimport._is_builtin_type(r_column.type_oid) THEN format(
                    'pgimport._cast_code(s.t%s, %s, %L)',
                    r_column.column_no, r_column.base_type, r_column.type_category
                )
                ELSE format(
                    'pgimport._domain_code(s.t%s, %L, %s, %L)', r_column.column_no,
                    r_column.type_name, r_column.base_type, r_column.type_category
                )
            END,
            r_column.type_name,
            pgimport._code_details(r_column.base_type, r_column.max_length, r_column.rules)
        );
    END LOOP;

    -- OFFSET 0 keeps the planner from writing the expressions out again at every place that
    -- names them
    EXECUTE format(
        'INSERT INTO pgimport.issue '
        '(job_id, file_no, row_no, line_no, column_name, code, message, value, hint) '
        'SELECT $1, q.file_no, q.row_no, coalesce(q.line_no, q.row_no + ('
        'SELECT f.line_offset FROM pgimport.file AS f '
        'WHERE f.job_id = $1 AND f.file_no = q.file_no)), q.name, q.code, '
        'q.message, left(q.value, %s), pgimport._issue_hint(q.code) '
        'FROM pgimport._culprits($2) AS q',
        c_longest_value
    ) USING p_job.job_id, format(
        'SELECT s.file_no, s.row_no, s.line_no, v.name, v.value, v.code, '
        'pgimport._issue_message(v.code, left(v.value, %6$s), '
        'coalesce(v.details ->> v.code, v.type_name)) FROM (SELECT s.*%2$s FROM ('
        'SELECT s.file_no, s.row_no, s.line_no%1$s FROM %5$s AS s OFFSET 0) AS s OFFSET 0) AS s '
        'CROSS JOIN LATERAL (VALUES %4$s) AS v (name, value, details, type_name, code) '
        'WHERE (%3$s) AND v.code IS NOT NULL ORDER BY s.file_no, s.row_no',
        v_texts, v_codes, array_to_string(v_wrong, ' OR '), array_to_string(v_values, ', '),
        p_rows, c_longest_value
    );
END;
$_find_issues$;

COMMENT ON FUNCTION pgimport._find_issues(pgimport.job, text, text[]) IS
'internal: writes an issue row for every wrong value of some columns of some staged rows.';
