-- The one place that turns staged text into SQL: for each column of the target that a job writes,
-- how its text is read from the staging table (alias s), how that becomes a value, and how the
-- value is written. Checking, marking, inserting and verifying all use these expressions, so that
-- what was checked is what is inserted.
-- text_sql: trimmed, null_values and empty strings made null, the rule's default put in.
-- typed_sql: text_sql cast to the column's type, typmod included.
-- stored_sql: what the job's table of values holds of it, as column c<column_no>: typed_sql; but
-- text_sql where the type has a length, because a cast would cut what is too long.
-- quick_sql: stored_sql without the trimming where the type's own input skips blanks or refuses
-- them: where it does not fail, the value is the same, for two thirds of the time.
-- value_sql: the typed value again, read from the table of values (alias v).
-- write_sql: value_sql, but a null in a NOT NULL column with a DEFAULT takes that default.
-- Called by the check, preview, insert and verify.
CREATE OR REPLACE FUNCTION pgimport._written_columns(
    p_job pgimport.job
)
RETURNS TABLE (
    column_no integer,
    column_name text,
    type_name text,
    type_oid oid,
    type_category "char",
    is_text boolean,
    required boolean,
    max_length integer,
    key_position integer,
    raw_sql text,
    text_sql text,
    typed_sql text,
    stored_sql text,
    quick_sql text,
    value_sql text,
    write_sql text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_written_columns$
DECLARE
    v_constants jsonb := coalesce(p_job.options -> 'constants', '{}');
BEGIN
    RETURN QUERY
    WITH mapped AS (
        SELECT DISTINCT m ->> 'column' AS name, m ->> 'staged_as' AS staged_as
        FROM pgimport.file AS f
        CROSS JOIN LATERAL jsonb_array_elements(f.mapping) AS m
        WHERE f.job_id = p_job.job_id
            AND f.status = 'staged'
            AND m ->> 'column' IS NOT NULL
    ),

    source AS (
        SELECT
            c.*,
            coalesce((c.rules ->> 'trim')::boolean, true) AS trimmed,
            coalesce(c.rules -> 'null_values', '[]') AS null_values,
            c.rules ->> 'default' AS rule_default,
            CASE
                WHEN v_constants ? c.column_name
                    THEN format('%L::text', v_constants ->> c.column_name)
                WHEN m.name IS NOT NULL THEN format('s.%I', m.staged_as)
                ELSE 'NULL::text'
            END AS raw_sql
        FROM pgimport._target_columns(p_job.target_id) AS c
        LEFT JOIN mapped AS m ON m.name = c.column_name
        WHERE NOT c.generated
            AND c.identity <> 'a'
            AND (
                m.name IS NOT NULL
                OR v_constants ? c.column_name
                OR c.rules ->> 'default' IS NOT NULL
                OR c.required
            )
    ),

    trimmed AS (
        SELECT
            s.*,
            CASE
                WHEN NOT s.trimmed THEN s.raw_sql
                WHEN NOT s.is_text THEN b.btrim_sql
                -- a long text that is as it should be stays compressed as it is
                ELSE format(
                    'CASE WHEN %1$s = %2$s THEN %1$s ELSE %2$s END', s.raw_sql, b.btrim_sql
                )
            END AS trimmed_sql
        FROM source AS s
        CROSS JOIN LATERAL (
            SELECT format('pg_catalog.btrim(%s, %L)', s.raw_sql, E' \t\r\n') AS btrim_sql
        ) AS b
    ),

    -- one NULLIF a value that means null: it reads its text once
    nulled AS (
        SELECT
            t.*,
            concat(n.opening, t.trimmed_sql, n.closing) AS nulled_sql,
            CASE WHEN t.type_oid IN (
                'boolean'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
                'numeric'::regtype, 'real'::regtype, 'double precision'::regtype,
                'uuid'::regtype, 'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype
            ) AND t.null_values = '[]' AND t.rule_default IS NULL
                THEN concat(n.opening, t.raw_sql, n.closing) END AS quick_sql
        FROM trimmed AS t
        CROSS JOIN LATERAL (
            SELECT
                repeat('NULLIF(', count(w.word)::integer) AS opening,
                string_agg(format(', %L)', w.word), '' ORDER BY w.place) AS closing
            FROM unnest(
                ARRAY(SELECT jsonb_array_elements_text(t.null_values))
                || CASE WHEN t.is_text THEN '{}'::text[] ELSE ARRAY[''] END
            ) WITH ORDINALITY AS w (word, place)
        ) AS n
    ),

    defaulted AS (
        SELECT
            n.*,
            CASE
                WHEN n.rule_default IS NULL THEN n.nulled_sql
                ELSE format('COALESCE(%s, %L::text)', n.nulled_sql, n.rule_default)
            END AS text_sql
        FROM nulled AS n
    ),

    typed AS (
        SELECT
            d.*,
            CASE
                WHEN d.type_oid = 'text'::regtype THEN d.text_sql
                ELSE format('(%s)::%s', d.text_sql, d.type_name)
            END AS typed_sql,
            CASE
                WHEN d.max_length IS NULL THEN format('v.c%s', d.column_no)
                ELSE format('v.c%s::%s', d.column_no, d.type_name)
            END AS value_sql
        FROM defaulted AS d
    )

    SELECT
        t.column_no,
        t.column_name,
        t.type_name,
        t.type_oid,
        t.type_category,
        t.is_text,
        t.required,
        t.max_length,
        t.key_position,
        t.raw_sql,
        t.text_sql,
        t.typed_sql,
        CASE WHEN t.max_length IS NULL THEN t.typed_sql ELSE t.text_sql END,
        CASE
            WHEN t.quick_sql IS NOT NULL THEN format('(%s)::%s', t.quick_sql, t.type_name)
            WHEN t.max_length IS NULL THEN t.typed_sql
            ELSE t.text_sql
        END,
        t.value_sql,
        CASE
            WHEN t.not_null AND t.has_default
                THEN format('COALESCE(%s, %s)', t.value_sql, t.default_expr)
            ELSE t.value_sql
        END
    FROM typed AS t
    ORDER BY t.column_no;
END;
$_written_columns$;

COMMENT ON FUNCTION pgimport._written_columns(pgimport.job) IS
'internal: the columns a job writes, with the SQL that reads, casts and writes their staged text.';
