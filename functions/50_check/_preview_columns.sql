-- The columns that a job writes as a preview shows them, in the order of the table: staged_sql
-- reads an invalid row (alias s, the staging table), shown_sql a valid one (alias v, the table of
-- values). A default is shown where it is known beforehand and is no code of a user.
-- Called by preview_job.
CREATE OR REPLACE FUNCTION pgimport._preview_columns(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS TABLE (
    column_no integer,
    column_name text,
    type_name text,
    is_key boolean,
    is_sensitive boolean,
    staged_sql text,
    shown_sql text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_preview_columns$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        c.column_no,
        c.column_name,
        c.type_name,
        c.key_position IS NOT NULL,
        c.rules @> '{"sensitive": true}',
        c.raw_sql,
        format(
            '(%s)::text',
            CASE
                WHEN c.write_sql <> c.value_sql
                    AND pgimport._is_steady_default(p_relation, c.column_no, true)
                    THEN c.write_sql
                ELSE c.value_sql
            END
        )
    FROM pgimport._written_columns(p_job) AS c
    ORDER BY c.column_no;
END;
$_preview_columns$;

COMMENT ON FUNCTION pgimport._preview_columns(pgimport.job, regclass) IS
'internal: the columns that a preview shows, and the SQL of their values.';

-- What a preview does not show: columns of the target that the job does not write, and fields of
-- the files that go to no column. [{column, why}, …, {header, why}, …]. Called by preview_job.
CREATE OR REPLACE FUNCTION pgimport._preview_omitted(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_preview_omitted$
BEGIN
    RETURN (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object('column', c.column_name, 'why', CASE
                    WHEN c.generated THEN 'computed by the table'
                    WHEN c.identity <> '' THEN 'numbered by the table'
                    WHEN c.has_default THEN 'default of the table'
                    ELSE 'null: no file has it'
                END) ORDER BY c.column_no
            ),
            '[]'
        )
        FROM pgimport._target_columns(p_job.target_id) AS c
        WHERE c.column_name NOT IN (
                SELECT w.column_name FROM pgimport._written_columns(p_job) AS w
            )
    )
    || '[{"column": "import_job_id", "why": "the id of the job"}]'::jsonb
    || (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object('header', h.header, 'why', 'goes to no column')
                ORDER BY h.place, h.header
            ),
            '[]'
        )
        FROM (
            SELECT m ->> 'header' AS header, min((m ->> 'position')::integer) AS place
            FROM pgimport.file AS f
            CROSS JOIN LATERAL jsonb_array_elements(f.mapping) AS m
            WHERE f.job_id = p_job.job_id AND f.status = 'staged' AND m ->> 'column' IS NULL
            GROUP BY 1
        ) AS h
    );
END;
$_preview_omitted$;

COMMENT ON FUNCTION pgimport._preview_omitted(pgimport.job) IS
'internal: what a preview does not show: columns filled by the table, fields without a column.';
