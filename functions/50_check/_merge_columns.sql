-- Which files give a column its values: their numbers, null where every row of the job has one, as
-- of a constant. Values that are dealt out in turns go to inserted rows alone and are none of a
-- row's own; neither are defaults. Called by _merge_columns.
CREATE OR REPLACE FUNCTION pgimport._column_files(
    p_job pgimport.job
)
RETURNS TABLE (
    column_name text,
    file_nos integer[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_column_files$
#variable_conflict use_column
DECLARE
    v_fixed jsonb := pgimport._fixed_columns(p_job);
    v_assignment jsonb := coalesce(p_job.options -> 'assignment', '{"mode": "none"}');
BEGIN
    RETURN QUERY
    WITH staged AS (
        SELECT f.file_no, f.mapping FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.status = 'staged'
    ),

    given AS (
        SELECT m.column_name, s.file_no
        FROM staged AS s
        CROSS JOIN LATERAL pgimport._mapped_columns(s.mapping) AS m
        WHERE NOT v_fixed ? m.column_name
        UNION
        SELECT v_assignment ->> 'column', s.file_no
        FROM staged AS s
        CROSS JOIN LATERAL jsonb_array_elements(s.mapping) AS m
        WHERE v_assignment ->> 'mode' = 'by_column'
            AND pgimport._spelling(m ->> 'header')
            = pgimport._spelling(v_assignment ->> 'source_column')
    )

    SELECT
        g.column_name,
        CASE WHEN count(*) < (SELECT count(*) FROM staged)
            THEN array_agg(g.file_no ORDER BY g.file_no) END
    FROM given AS g
    GROUP BY g.column_name
    UNION ALL
    SELECT c.name, NULL::integer[]
    FROM jsonb_each_text(v_fixed) AS c (name, kind)
    WHERE c.kind = 'constant' OR v_assignment ->> 'mode' = 'single';
END;
$_column_files$;

COMMENT ON FUNCTION pgimport._column_files(pgimport.job) IS
'internal: which files of a job give a column its values; null for all.';

-- The columns that rows of a job write to the rows of the target that have their key, in the order
-- of the table. merge_sql is the SQL of the new value over v, a row of the job's table of values,
-- and t, the row of the target. A column that the row's own file does not have keeps its value; so
-- does one that must not be null where the file has none; a rule "on_update" says what of the rest:
-- overwrite, fill_blank (only what is null or an empty text there) or keep.
-- Never among them: the key, import_job_id, computed columns, numbers that the table gives always,
-- and the column that declares rows deleted: a row that is declared deleted may have lost its key,
-- and no rollback would find it again.
-- Called by the check, the preview, the rehearsal and the insert of jobs that update.
CREATE OR REPLACE FUNCTION pgimport._merge_columns(
    p_job pgimport.job
)
RETURNS TABLE (
    place integer,
    column_name text,
    type_oid oid,
    type_name text,
    merge_sql text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_merge_columns$
#variable_conflict use_column
DECLARE
    v_relation regclass := pgimport._job_relation(p_job);
BEGIN
    RETURN QUERY
    WITH merged AS (
        SELECT
            w.column_no, w.column_name, w.type_oid, w.type_name, w.is_text, f.file_nos,
            coalesce(w.rules ->> 'on_update', 'overwrite') AS rule,
            format('t.%I', w.column_name) AS old_sql,
            CASE WHEN c.not_null
                THEN format('COALESCE(%s, t.%I)', w.value_sql, w.column_name)
                ELSE format('%s', w.value_sql) END AS new_sql,
            CASE WHEN a.attcollation <> 0
                THEN format(' COLLATE %I.%I', n.nspname, l.collname) END AS collation_sql
        FROM pgimport._written_columns(p_job) AS w
        INNER JOIN pgimport._column_files(p_job) AS f ON f.column_name = w.column_name
        INNER JOIN pgimport._target_columns(p_job.target_id) AS c
            ON c.column_name = w.column_name
        INNER JOIN pg_attribute AS a ON a.attrelid = v_relation AND a.attname = w.column_name
        LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
        LEFT JOIN pg_namespace AS n ON n.oid = l.collnamespace
        WHERE w.key_position IS NULL
            AND w.column_name IS DISTINCT FROM (
                SELECT t.options ->> 'soft_delete' FROM pgimport.target AS t
                WHERE t.target_id = p_job.target_id
            )
    )

    SELECT
        row_number() OVER (ORDER BY m.column_no)::integer,
        m.column_name,
        m.type_oid,
        m.type_name,
        concat(
            '(CASE',
            ' WHEN v.file_no <> ALL (' || quote_literal(m.file_nos) || '::integer[]) THEN '
            || m.old_sql,
            CASE WHEN m.rule = 'fill_blank' THEN format(
                CASE WHEN m.is_text
                    THEN ' WHEN %1$s IS NOT NULL AND %1$s::text COLLATE "C" <> '''' THEN %1$s'
                    -- IS NOT NULL is false for a row with a null in it, too
                    ELSE ' WHEN num_nulls(%1$s) = 0 THEN %1$s' END,
                m.old_sql
            ) END,
            ' WHEN true THEN ', m.new_sql, ' END)', m.collation_sql
        )
    FROM merged AS m
    WHERE m.rule <> 'keep'
    ORDER BY 1;
END;
$_merge_columns$;

COMMENT ON FUNCTION pgimport._merge_columns(pgimport.job) IS
'internal: the columns that a job updates, with the SQL of their new values.';
