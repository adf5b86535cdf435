-- SQL conditions for a rollback of some of a job's rows: own on the rows it inserted (alias t),
-- updated on those it updated (t and their images i). Null where all rows are meant.
-- filter: {column: value, null or [values]}, compared with what is in the table now. rows: tokens
-- of staged rows, as reports show them; which row of the table one became is found by its key.
-- Called by _rollback_scope. Raises PI206, PI508.
CREATE OR REPLACE FUNCTION pgimport._rollback_filter(
    p_job pgimport.job,
    p_relation regclass,
    p_options jsonb,
    OUT own text,
    OUT updated text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rollback_filter$
DECLARE
    v_file_nos integer[];
    v_row_nos bigint[];
    v_listed text;
BEGIN
    IF p_options ? 'filter' THEN
        own := pgimport._filter_sql(p_relation, p_options -> 'filter');
        updated := own;
    END IF;
    IF p_options ? 'rows' THEN
        SELECT t.file_nos, t.row_nos INTO STRICT v_file_nos, v_row_nos
        FROM pgimport._token_rows(p_job, p_options -> 'rows') AS t;
        v_listed := format(
            '(SELECT n.file_no, n.row_no FROM unnest(%L::integer[], %L::bigint[]) '
            'AS n (file_no, row_no))', v_file_nos, v_row_nos
        );
        own := concat_ws(' AND ', own, pgimport._staged_rows_sql(p_job, v_listed));
        updated := concat_ws(
            ' AND ', updated, format('(i.file_no, i.row_no) IN %s', v_listed)
        );
    END IF;
END;
$_rollback_filter$;

COMMENT ON FUNCTION pgimport._rollback_filter(pgimport.job, regclass, jsonb) IS
'internal: SQL conditions of a rollback of some of a job''s rows.';

-- SQL condition on row t that columns have certain values. Called by _rollback_filter.
-- Raises PI206, PI508.
CREATE OR REPLACE FUNCTION pgimport._filter_sql(
    p_relation regclass,
    p_filter jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_filter_sql$
DECLARE
    v_conditions text[] := '{}'::text[];
    v_wrong text;
    r_column record;
BEGIN
    FOR r_column IN
        SELECT
            f.key AS name,
            format_type(a.atttypid, a.atttypmod) AS type_name,
            f.value = 'null' AS is_null,
            -- the type's own: under a pinned path a citext would be compared as a text
            coalesce((
                SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                FROM pg_type AS y
                INNER JOIN pg_opclass AS c
                    ON c.opcintype = CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END
                        AND c.opcdefault
                INNER JOIN pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'btree'
                INNER JOIN pg_amop AS b
                    ON b.amopfamily = c.opcfamily
                        AND b.amoplefttype = c.opcintype
                        AND b.amoprighttype = c.opcintype
                        AND b.amopstrategy = 3
                INNER JOIN pg_operator AS o ON o.oid = b.amopopr
                INNER JOIN pg_namespace AS n ON n.oid = o.oprnamespace
                WHERE y.oid = a.atttypid
            ), '=') AS equal,
            ARRAY(
                SELECT v.value FROM jsonb_array_elements_text(
                    CASE jsonb_typeof(f.value) WHEN 'array' THEN f.value
                        ELSE jsonb_build_array(f.value) END
                ) AS v (value)
            ) AS texts
        FROM jsonb_each(p_filter) AS f
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = f.key
                AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY f.key
    LOOP
        PERFORM pgimport._require_column(p_relation, r_column.name);
        SELECT t.value INTO v_wrong FROM unnest(r_column.texts) AS t (value)
        WHERE pgimport._cast_sqlstate(t.value, r_column.type_name) IS NOT NULL
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI508',
                MESSAGE = format('"%s" in the filter of column "%s" is not a valid %s',
                    left(v_wrong, 200), r_column.name, r_column.type_name),
                HINT = format('{"filter": {%s: "value"}}', to_jsonb(r_column.name));
        END IF;
        v_conditions := v_conditions || CASE
            WHEN r_column.is_null THEN format('t.%I IS NULL', r_column.name)
            ELSE (
                SELECT coalesce('(' || string_agg(
                    format('t.%I %s %L::%s', r_column.name, r_column.equal, t.value,
                        r_column.type_name), ' OR '
                ) || ')', 'false')
                FROM unnest(r_column.texts) AS t (value)
            )
        END;
    END LOOP;
    RETURN coalesce(nullif(array_to_string(v_conditions, ' AND '), ''), 'true');
END;
$_filter_sql$;

COMMENT ON FUNCTION pgimport._filter_sql(regclass, jsonb) IS
'internal: SQL condition that columns of a row have certain values.';

-- The staged rows that tokens of a job's reports stand for. Called by _rollback_filter.
-- Raises PI508.
CREATE OR REPLACE FUNCTION pgimport._token_rows(
    p_job pgimport.job,
    p_tokens jsonb,
    OUT file_nos integer[],
    OUT row_nos bigint[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_token_rows$
DECLARE
    v_wrong text;
BEGIN
    SELECT
        array_agg(q.file_no ORDER BY q.file_no, q.row_no),
        array_agg(q.row_no ORDER BY q.file_no, q.row_no),
        min(q.token) FILTER (WHERE q.file_no IS NULL)
    INTO file_nos, row_nos, v_wrong
    FROM (
        SELECT k.token, f.file_no, k.row_no
        FROM (
            SELECT
                t.token,
                CASE WHEN t.is_token THEN split_part(t.token, '-', 1)::integer END AS file_no,
                CASE WHEN t.is_token THEN split_part(t.token, '-', 2)::bigint END AS row_no
            FROM (
                SELECT
                    lower(btrim(e.value)) AS token,
                    lower(btrim(e.value)) ~ '^[0-9]{1,9}-[0-9]{1,18}-[0-9a-f]{8}$' AS is_token
                FROM jsonb_array_elements_text(p_tokens) AS e (value)
            ) AS t
        ) AS k
        LEFT JOIN pgimport.file AS f
            ON f.job_id = p_job.job_id
                AND f.file_no = k.file_no
                AND pgimport._row_token(f.token_seed, k.file_no, k.row_no) = k.token
    ) AS q;

    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI508',
            MESSAGE = format('"%s" is no token of a row of job "%s"',
                left(v_wrong, 100), p_job.job_id),
            DETAIL = 'a token is such as 1-3500-9f2c6a1b; nothing was changed',
            HINT = format('the reports hold them: select pgimport.report_copy_sql(%L, ''all'');',
                p_job.job_id);
    END IF;
END;
$_token_rows$;

COMMENT ON FUNCTION pgimport._token_rows(pgimport.job, jsonb) IS
'internal: the staged rows that tokens of a job''s reports stand for.';

-- SQL condition on row t that it came from certain staged rows, by their keys. Called by
-- _rollback_filter. Raises PI508 when the staged rows are gone.
CREATE OR REPLACE FUNCTION pgimport._staged_rows_sql(
    p_job pgimport.job,
    p_listed text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_staged_rows_sql$
DECLARE
    v_values text := pgimport._staged_values_sql(
        p_job, format('(s.file_no, s.row_no) IN %s', p_listed)
    );
    r_key record;
BEGIN
    IF v_values IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI508',
            MESSAGE = format('the staged rows of job "%s" are gone: a token means none of them '
                'any more', p_job.job_id),
            HINT = 'name the rows by their values: {"filter": {"column": ["value", …]}}';
    END IF;
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    RETURN format(
        'EXISTS (SELECT FROM (%s) AS k WHERE %s)',
        replace(
            r_key.staged_keys,
            format('pgimport_staging.%I AS v', pgimport._staging_name(p_job.job_id, '_value')),
            format('(%s) AS v', v_values)
        ),
        r_key.target_equal
    );
END;
$_staged_rows_sql$;

COMMENT ON FUNCTION pgimport._staged_rows_sql(pgimport.job, text) IS
'internal: SQL condition that a row of the target came from certain staged rows.';

-- SELECT of rows like those of a job's table of values, which the insert has dropped, for the rows
-- that it inserted, made of the staged text again; null when that is gone, too.
-- Called by _staged_rows_sql and _plan_rows.
CREATE OR REPLACE FUNCTION pgimport._staged_values_sql(
    p_job pgimport.job,
    p_condition text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_staged_values_sql$
DECLARE
    c_staging CONSTANT text := pgimport._staging_name(p_job.job_id);
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
BEGIN
    IF to_regclass(format('pgimport_staging.%I', c_staging)) IS NULL
        OR to_regclass(format('pgimport_staging.%I', c_mark)) IS NULL
    THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT format(
            'SELECT s.file_no, s.row_no%s FROM pgimport_staging.%I AS s WHERE %s AND NOT EXISTS ('
            'SELECT FROM pgimport_staging.%I AS m WHERE m.file_no = s.file_no '
            'AND m.row_no = s.row_no) OFFSET 0',
            string_agg(
                format(', %s AS c%s', c.stored_sql, c.column_no), '' ORDER BY c.column_no
            ),
            c_staging, p_condition, c_mark
        )
        FROM pgimport._written_columns(p_job) AS c
    );
END;
$_staged_values_sql$;

COMMENT ON FUNCTION pgimport._staged_values_sql(pgimport.job, text) IS
'internal: SELECT of the values of staged rows that were inserted.';
