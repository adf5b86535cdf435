-- The one place that turns staged text into SQL: for each column of the target that a job writes,
-- how its text is read from the staging table (alias s), how that becomes a value, and how the
-- value is written. Checking, marking, inserting and verifying all use these expressions, so that
-- what was checked is what is inserted.
-- raw_sql: as staged. plain_sql: trimmed, null_values and empty strings made null.
-- text_sql: plain_sql looked up or converted by the rules, and the rule's default put in.
-- typed_sql: text_sql cast to the column's type, typmod included.
-- loose_type: the type without its length, where a cast would cut or pad what does not fit
-- (bit(n), arrays of varchar(n) …): such values are stored as they are and compared with the cast.
-- stored_sql: what the job's table of values holds of it, as column c<column_no>: typed_sql; but
-- text_sql where the type has a length, because a cast would cut what is too long.
-- quick_sql: stored_sql without the trimming where the type's own input skips blanks or refuses
-- them: where it does not fail, the value is the same, for two thirds of the time.
-- value_sql: the typed value again, read from the table of values (alias v).
-- write_sql: value_sql, but a null in a NOT NULL column with a DEFAULT takes that default.
-- required: a row without a value is refused. required_later: in a job that updates, only where the
-- row is not in the target. is_late: a job that updates stores a domain that takes no null as what
-- is under it, as a null in the file keeps what is there.
-- Called by the check, preview, insert and verify.
CREATE OR REPLACE FUNCTION pgimport._written_columns(
    p_job pgimport.job
)
RETURNS TABLE (
    column_no integer,
    column_name text,
    type_name text,
    type_oid oid,
    base_type oid,
    type_category "char",
    is_text boolean,
    required boolean,
    max_length integer,
    loose_type text,
    key_position integer,
    rules jsonb,
    is_looked_up boolean,
    raw_sql text,
    plain_sql text,
    text_sql text,
    typed_sql text,
    stored_sql text,
    quick_sql text,
    value_sql text,
    write_sql text,
    required_later boolean,
    is_late boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $_written_columns$
#variable_conflict use_column
DECLARE
    v_updates boolean := coalesce(p_job.options ->> 'on_duplicate' = 'update', false);
    -- what every row has a field for
    v_given text[] := CASE WHEN v_updates THEN ARRAY(
        SELECT f.column_name FROM pgimport._column_files(p_job) AS f WHERE f.file_nos IS NULL
    ) END;
BEGIN
    RETURN QUERY
    WITH source AS MATERIALIZED (
        SELECT
            c.*,
            v_updates AND c.required AND c.key_position IS NULL AND NOT (
                c.rules @> '{"required": true}' AND c.column_name = ANY (v_given)
            ) AS required_later,
            coalesce((c.rules ->> 'trim')::boolean, true) AS trimmed,
            coalesce(c.rules -> 'null_values', '[]') AS null_values,
            c.rules ->> 'default' AS rule_default,
            c.rules ?| '{decimal_comma,thousands,date_formats,true_words,false_words}' AS has_forms,
            coalesce(o.is_looked_up, false) AS is_looked_up,
            coalesce(o.raw_sql, 'NULL::text') AS raw_sql
        FROM pgimport._target_columns(p_job.target_id) AS c
        LEFT JOIN pgimport._column_sources(p_job) AS o ON o.column_name = c.column_name
        WHERE NOT c.generated
            AND c.identity <> 'a'
            AND (
                o.column_name IS NOT NULL
                OR c.rules ->> 'default' IS NOT NULL
                OR c.required
            )
    ),

    trimmed AS MATERIALIZED (
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
    nulled AS MATERIALIZED (
        SELECT
            t.*,
            concat(n.opening, t.trimmed_sql, n.closing) AS plain_sql,
            CASE WHEN t.type_oid IN (
                'boolean'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
                'numeric'::regtype, 'real'::regtype, 'double precision'::regtype,
                'uuid'::regtype, 'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype
            ) AND t.null_values = '[]' AND t.rule_default IS NULL
                AND NOT t.has_forms AND NOT t.is_looked_up
                THEN concat(n.opening, t.raw_sql, n.closing) END AS quick_sql
        FROM trimmed AS t
        CROSS JOIN LATERAL (
            SELECT
                repeat('NULLIF(', count(w.word)::integer) AS opening,
                string_agg(format(', %L)', w.word), '' ORDER BY w.place) AS closing
            FROM unnest(
                ARRAY(SELECT jsonb_array_elements_text(t.null_values))
                || CASE WHEN t.is_text AND NOT t.is_looked_up THEN '{}'::text[]
                    ELSE ARRAY[''] END
            ) WITH ORDINALITY AS w (word, place)
        ) AS n
    ),

    defaulted AS MATERIALIZED (
        SELECT
            n.*,
            CASE WHEN n.quick_sql IS NOT NULL
                THEN pgimport._convert_sql(n.quick_sql, n.base_type, n.rules) END AS quick_text_sql,
            CASE
                WHEN n.rule_default IS NULL THEN t.text_sql
                -- what is not found must not become the default
                WHEN n.is_looked_up THEN format(
                    'CASE WHEN %s IS NULL THEN %L::text ELSE %s END',
                    n.plain_sql, n.rule_default, t.text_sql
                )
                ELSE format('COALESCE(%s, %L::text)', t.text_sql, n.rule_default)
            END AS text_sql,
            -- a domain takes no value that it would have to cut
            CASE
                WHEN n.type_oid = n.base_type AND n.base_typmod >= 0 AND (
                    n.base_type IN ('bit'::regtype, 'varbit'::regtype)
                    OR n.base_type IN (
                        'varchar[]'::regtype, 'bpchar[]'::regtype, 'bit[]'::regtype,
                        'varbit[]'::regtype
                    )
                ) THEN format_type(n.base_type, -1)
            END AS loose_type,
            -- a domain that takes no null is stored as what is under it: a null keeps the old value
            v_updates AND n.not_null AND n.type_oid <> n.base_type AND n.key_position IS NULL
            AND (n.required_later OR NOT n.required) AS is_late
        FROM nulled AS n
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN n.is_looked_up THEN format(
                    '(SELECT l.value FROM pgimport_staging.%I AS l '
                    'WHERE l.column_no = %s AND l.text = %s)',
                    pgimport._staging_name(p_job.job_id, '_lookup'), n.column_no, n.plain_sql
                )
                ELSE pgimport._convert_sql(n.plain_sql, n.base_type, n.rules)
            END AS text_sql
        ) AS t
    ),

    typed AS MATERIALIZED (
        SELECT
            d.*,
            CASE
                WHEN d.is_late THEN format(
                    '(SELECT (%1$s)::%2$s WHERE (%1$s) IS NOT NULL)', d.text_sql, d.type_name
                )
                WHEN d.type_oid = 'text'::regtype THEN d.text_sql
                -- only the type's own input knows which field a bare number is
                WHEN d.type_oid = 'interval'::regtype AND d.type_name ~ '^interval [a-z]'
                    THEN format(
                        '(SELECT j.v FROM json_to_record(json_build_object(''v'', %s)) '
                        'AS j (v %s))', d.text_sql, d.type_name
                    )
                -- a domain that forbids nulls takes none, not even for a moment
                WHEN d.type_oid <> d.base_type AND d.not_null AND d.default_expr IS NOT NULL
                    THEN format(
                        'COALESCE((%s)::%s, %s)::%s', d.text_sql,
                        format_type(d.base_type, d.base_typmod), d.default_expr, d.type_name
                    )
                ELSE format('(%s)::%s', d.text_sql, d.type_name)
            END AS typed_sql,
            CASE
                -- a null is none of the domain, but none is needed where the row is updated
                WHEN d.is_late THEN format(
                    '(SELECT v.c%1$s::%2$s WHERE num_nulls(v.c%1$s) = 0)', d.column_no, d.type_name
                )
                WHEN d.max_length IS NULL AND d.loose_type IS NULL THEN format('v.c%s', d.column_no)
                ELSE format('v.c%s::%s', d.column_no, d.type_name)
            END AS value_sql
        FROM defaulted AS d
    )

    SELECT
        t.column_no,
        t.column_name,
        t.type_name,
        t.type_oid,
        t.base_type,
        t.type_category,
        t.is_text,
        t.required AND NOT t.required_later,
        t.max_length,
        t.loose_type,
        t.key_position,
        t.rules,
        t.is_looked_up,
        t.raw_sql,
        t.plain_sql,
        t.text_sql,
        t.typed_sql,
        CASE
            WHEN t.is_late AND t.max_length IS NULL
                THEN format('(%s)::%s', t.text_sql, format_type(t.base_type, t.base_typmod))
            WHEN t.loose_type IS NOT NULL THEN format('(%s)::%s', t.text_sql, t.loose_type)
            WHEN t.max_length IS NULL THEN t.typed_sql
            ELSE t.text_sql
        END,
        CASE
            WHEN t.quick_text_sql IS NOT NULL
                THEN format('(%s)::%s', t.quick_text_sql, t.type_name)
            WHEN t.is_late AND t.max_length IS NULL
                THEN format('(%s)::%s', t.text_sql, format_type(t.base_type, t.base_typmod))
            WHEN t.loose_type IS NOT NULL THEN format('(%s)::%s', t.text_sql, t.loose_type)
            WHEN t.max_length IS NULL THEN t.typed_sql
            ELSE t.text_sql
        END,
        t.value_sql,
        CASE
            WHEN t.not_null AND t.has_default
                THEN format('COALESCE(%s, (%s)::%s)', t.value_sql, t.default_expr, t.type_name)
            ELSE t.value_sql
        END,
        t.required_later,
        t.is_late
    FROM typed AS t
    ORDER BY t.column_no;
END;
$_written_columns$;

COMMENT ON FUNCTION pgimport._written_columns(pgimport.job) IS
'internal: the columns a job writes, with the SQL that reads, casts and writes their staged text.';
