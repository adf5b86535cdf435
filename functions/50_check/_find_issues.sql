-- Code of the issue that says why a text is not a value of a type: for a domain the constraint
-- that refuses it, or what is wrong with it as a value of the type below.
-- Called by _find_issues, for culprits only.
CREATE OR REPLACE FUNCTION pgimport._cast_issue(
    p_value text,
    p_type_name text,
    p_type_category "char"
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_cast_issue$
-- a type's name is from the catalog: @plpgsql_check_options: security_warnings = false
DECLARE
    v_type regtype := to_regtype(p_type_name);
    v_constraint text;
BEGIN
    BEGIN
        EXECUTE format('SELECT ($1::%s) IS NULL', p_type_name) USING p_value;
    EXCEPTION
        WHEN numeric_value_out_of_range THEN
            RETURN 'out_of_range';
        WHEN check_violation THEN
            GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
            RETURN 'check:' || v_constraint;
        WHEN data_exception OR integrity_constraint_violation
            OR syntax_error_or_access_rule_violation OR invalid_schema_name
            OR feature_not_supported OR program_limit_exceeded
        THEN
            NULL;
    END;

    WHILE EXISTS (SELECT FROM pg_type AS y WHERE y.oid = v_type AND y.typtype = 'd') LOOP
        SELECT y.typbasetype INTO v_type FROM pg_type AS y WHERE y.oid = v_type;
    END LOOP;

    RETURN CASE
        WHEN v_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'oid'::regtype)
            THEN 'bad_integer'
        WHEN v_type = 'uuid'::regtype THEN 'bad_uuid'
        ELSE CASE p_type_category
            WHEN 'N' THEN 'bad_numeric'
            WHEN 'D' THEN 'bad_date'
            WHEN 'T' THEN 'bad_date'
            WHEN 'B' THEN 'bad_boolean'
            WHEN 'E' THEN 'not_allowed'
            ELSE 'bad_value'
        END
    END;
END;
$_cast_issue$;

COMMENT ON FUNCTION pgimport._cast_issue(text, text, "char") IS
'internal: the issue code for a text that is not a value of a type.';

-- Writes an issue row for every wrong value of the given columns among some staged rows.
-- Called by _search_issues for pieces in which the optimistic scan found something.
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
    v_texts text;
    v_codes text;
    v_wrong text;
    v_values text;
BEGIN
    -- r…: as staged, t…: as it is cast, c…: the code of what is wrong, each once a row
    SELECT
        string_agg(
            format(', %s AS r%s, %s AS t%2$s', c.raw_sql, c.column_no, c.text_sql),
            '' ORDER BY c.column_no
        ),
        string_agg(
            format(
                ', CASE WHEN s.t%1$s IS NULL THEN %2$s::text%3$s%4$s%5$s END AS c%1$s',
                c.column_no,
                CASE WHEN c.required THEN '''required''' ELSE 'NULL' END,
                CASE WHEN c.required AND c.is_text
                    THEN format(' WHEN s.t%s = '''' THEN ''required''', c.column_no) END,
                CASE WHEN c.max_length IS NOT NULL
                    THEN format(
                        ' WHEN char_length(rtrim(s.t%s, '' '')) > %s THEN ''too_long''',
                        c.column_no, c.max_length
                    ) END,
                ' WHEN ' || nullif(
                    pgimport._invalid_sql(format('s.t%s', c.column_no), c.type_name), 'false'
                ) || ' THEN ''cast'''
            ), '' ORDER BY c.column_no
        ),
        string_agg(format('s.c%s IS NOT NULL', c.column_no), ' OR ' ORDER BY c.column_no),
        string_agg(
            format(
                '(%1$L, %2$L, %3$L::"char", s.r%4$s, s.t%4$s, %5$L::integer, s.c%4$s)',
                c.column_name, c.type_name, c.type_category, c.column_no, c.max_length
            ), ', ' ORDER BY c.column_no
        )
    INTO v_texts, v_codes, v_wrong, v_values
    FROM pgimport._written_columns(p_job) AS c
    WHERE c.column_name = ANY (p_suspects);

    -- OFFSET 0 keeps the planner from writing the expressions out again at every place that
    -- names them
    EXECUTE format(
        'INSERT INTO pgimport.issue '
        '(job_id, file_no, row_no, line_no, column_name, code, message, value, hint) '
        'SELECT $1, q.file_no, q.row_no, coalesce(q.line_no, q.row_no + ('
        'SELECT f.line_offset FROM pgimport.file AS f '
        'WHERE f.job_id = $1 AND f.file_no = q.file_no)), q.name, q.code, '
        'pgimport._issue_message(q.code, left(q.value, %1$s), q.wanted), left(q.value, %1$s), '
        'pgimport._issue_hint(q.code) '
        'FROM ('
        'SELECT s.file_no, s.row_no, s.line_no, '
        'v.name, v.value, '
        'CASE v.code WHEN ''too_long'' THEN v.max_length::text ELSE v.type_name END AS wanted, '
        'CASE v.code WHEN ''cast'' '
        'THEN pgimport._cast_issue(v.text, v.type_name, v.category) ELSE v.code END AS code '
        'FROM (SELECT s.*%3$s FROM ('
        'SELECT s.file_no, s.row_no, s.line_no%2$s FROM %6$s AS s OFFSET 0) AS s OFFSET 0) AS s '
        'CROSS JOIN LATERAL (VALUES %5$s) '
        'AS v (name, type_name, category, value, text, max_length, code) '
        'WHERE (%4$s) AND v.code IS NOT NULL ORDER BY s.file_no, s.row_no OFFSET 0) AS q',
        c_longest_value, v_texts, v_codes, v_wrong, v_values, p_rows
    ) USING p_job.job_id;
END;
$_find_issues$;

COMMENT ON FUNCTION pgimport._find_issues(pgimport.job, text, text[]) IS
'internal: writes an issue row for every wrong value of some columns of some staged rows.';
