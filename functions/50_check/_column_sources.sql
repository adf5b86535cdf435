-- SQL of the text that several fields of a file make together, null parts and blank ones left
-- out: what stands before a part is written only where another part stands before it.
-- Called by _column_sources.
CREATE OR REPLACE FUNCTION pgimport._joined_sql(
    p_fields text[],
    p_separators text[],
    p_rules jsonb
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_joined_sql$
DECLARE
    v_words text[] := array_prepend('', pgimport._words(p_rules -> 'null_values', '{}'));
BEGIN
    RETURN (
        SELECT format(
            'pg_catalog.substr(pg_catalog.concat(%s), CASE %s END)',
            string_agg(format('%L || %s', p.separator, p.text_sql), ', ' ORDER BY p.place),
            string_agg(
                format('WHEN %s IS NOT NULL THEN %s', p.text_sql, length(p.separator) + 1), ' '
                ORDER BY p.place
            )
        )
        FROM (
            SELECT
                f.place, f.separator,
                concat(
                    repeat('NULLIF(', cardinality(v_words)),
                    format(
                        CASE WHEN p_rules @> '{"trim": false}' THEN '%s'
                            ELSE 'pg_catalog.btrim(%s, %L)' END,
                        f.field_sql, E' \t\r\n'
                    ),
                    (
                        SELECT string_agg(format(', %L)', w.word), '' ORDER BY w.place)
                        FROM unnest(v_words) WITH ORDINALITY AS w (word, place)
                    )
                ) AS text_sql
            FROM unnest(p_fields, p_separators)
                WITH ORDINALITY AS f (field_sql, separator, place)
        ) AS p
    );
END;
$_joined_sql$;

COMMENT ON FUNCTION pgimport._joined_sql(text[], text[], jsonb) IS
'internal: SQL of the text that several fields make together.';

-- SQL of one piece of a field; the last one is all the rest. Where blanks separate the pieces,
-- several of them are one, and those around the text none. Called by _column_sources.
CREATE OR REPLACE FUNCTION pgimport._piece_sql(
    p_field text,
    p_separator text,
    p_item integer,
    p_items integer
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_piece_sql$
DECLARE
    c_blanks CONSTANT text := '[\s\u00a0\u202f]+';
    v_text text := CASE
        WHEN p_separator = ' ' THEN format(
            'pg_catalog.btrim(pg_catalog.regexp_replace(%s, %L, '' '', ''g''))', p_field, c_blanks
        )
        ELSE p_field
    END;
BEGIN
    RETURN CASE
        WHEN p_item < p_items
            THEN format('NULLIF(pg_catalog.split_part(%s, %L, %s), '''')',
                v_text, p_separator, p_item)
        ELSE format(
            'NULLIF(pg_catalog.array_to_string('
            '(pg_catalog.string_to_array(%s, %L))[%s:], %2$L), '''')', v_text, p_separator, p_item
        )
    END;
END;
$_piece_sql$;

COMMENT ON FUNCTION pgimport._piece_sql(text, text, integer, integer) IS
'internal: SQL of one piece of a field that is split.';

-- Where the columns of a target get their text from in a job: the fields mapped to them, whole,
-- joined or split; a constant of the job; or its assignment. raw_sql reads it from the staging
-- table (alias s), as it was staged; files where it stands under other names are told apart there.
-- is_looked_up: the text is not the value yet but is looked up in the job's table of lookups, which
-- _store_lookups() fills; a text that is not there becomes an issue.
-- Called by _written_columns.
CREATE OR REPLACE FUNCTION pgimport._column_sources(
    p_job pgimport.job
)
RETURNS TABLE (
    column_name text,
    raw_sql text,
    is_looked_up boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_column_sources$
#variable_conflict use_column
DECLARE
    v_fixed jsonb := pgimport._fixed_columns(p_job);
    v_assignment jsonb := coalesce(p_job.options -> 'assignment', '{"mode": "none"}');
    v_files bigint;
BEGIN
    SELECT count(*) INTO v_files
    FROM pgimport.file AS f WHERE f.job_id = p_job.job_id AND f.status = 'staged';

    RETURN QUERY
    WITH field AS MATERIALIZED (
        SELECT f.file_no, m.*, coalesce(c.rules, '{}') AS rules
        FROM pgimport.file AS f
        CROSS JOIN LATERAL pgimport._mapped_columns(f.mapping) AS m
        LEFT JOIN pgimport.target_column AS c
            ON c.target_id = p_job.target_id AND c.column_name = m.column_name
        WHERE f.job_id = p_job.job_id
            AND f.status = 'staged'
            AND NOT v_fixed ? m.column_name
    ),

    piece AS MATERIALIZED (
        SELECT
            d.file_no, d.column_name, format('s.%I', d.staged_as) AS text_sql,
            true AS is_whole, d.rules ? 'lookup' AS is_looked_up
        FROM field AS d
        WHERE d.kind = 'whole'
        UNION ALL
        SELECT
            d.file_no, d.column_name,
            pgimport._piece_sql(format('s.%I', d.staged_as), d.separator, d.item, d.items),
            false, d.rules ? 'lookup'
        FROM field AS d
        WHERE d.kind = 'split'
        UNION ALL
        SELECT
            d.file_no, d.column_name,
            pgimport._joined_sql(
                array_agg(format('s.%I', d.staged_as) ORDER BY d.item, d.field_no),
                array_agg(d.separator ORDER BY d.item, d.field_no),
                d.rules
            ),
            false, d.rules ? 'lookup'
        FROM field AS d
        WHERE d.kind = 'part'
        GROUP BY d.file_no, d.column_name, d.rules
        UNION ALL
        -- the field by which rows are assigned, which may go to a column of its own as well
        SELECT b.file_no, v_assignment ->> 'column', b.text_sql, false, true
        FROM (
            SELECT DISTINCT ON (f.file_no)
                f.file_no, format('s.%I', m.value ->> 'staged_as') AS text_sql
            FROM pgimport.file AS f
            CROSS JOIN LATERAL
                jsonb_array_elements(f.mapping) WITH ORDINALITY AS m (value, place)
            WHERE f.job_id = p_job.job_id
                AND f.status = 'staged'
                AND v_assignment ->> 'mode' = 'by_column'
                AND pgimport._spelling(m.value ->> 'header')
                = pgimport._spelling(v_assignment ->> 'source_column')
            ORDER BY f.file_no, m.place
        ) AS b
    ),

    -- the same text in several files
    source AS MATERIALIZED (
        SELECT
            p.column_name, p.text_sql, p.is_whole, p.is_looked_up,
            array_agg(p.file_no ORDER BY p.file_no) AS files
        FROM piece AS p
        GROUP BY p.column_name, p.text_sql, p.is_whole, p.is_looked_up
    )

    SELECT
        s.column_name,
        CASE
            -- a column of the staging table that is called like the target's holds nothing else
            WHEN count(*) = 1 AND (bool_and(s.is_whole) OR min(cardinality(s.files)) = v_files)
                THEN min(s.text_sql)
            ELSE format('CASE %s%s END',
                string_agg(
                    format('WHEN s.file_no = ANY (%L::integer[]) THEN %s', s.files, s.text_sql), ' '
                    ORDER BY s.files
                ) FILTER (WHERE NOT s.is_whole),
                ' ELSE ' || min(s.text_sql) FILTER (WHERE s.is_whole))
        END,
        bool_or(s.is_looked_up)
    FROM source AS s
    GROUP BY s.column_name
    UNION ALL
    SELECT c.key, format('%L::text', c.value), false
    FROM jsonb_each_text(p_job.options -> 'constants') AS c
    UNION ALL
    SELECT
        v_assignment ->> 'column',
        CASE v_assignment ->> 'mode'
            WHEN 'single' THEN format('%L::text', v_assignment -> 'values' ->> 0)
            -- every value is seen by the check; _assign_turns() deals them out at the end
            ELSE pgimport._turn_sql(v_assignment, format(
                '(s.row_no - 1) %% %s', jsonb_array_length(v_assignment -> 'values')
            ))
        END,
        false
    WHERE v_assignment ->> 'mode' IN ('single', 'round_robin');
END;
$_column_sources$;

COMMENT ON FUNCTION pgimport._column_sources(pgimport.job) IS
'internal: where the columns that a job writes get their staged text from.';
