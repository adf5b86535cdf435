-- The registered targets, by name, with the number of their jobs that the caller may see.
-- Called by users. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport.list_targets()
RETURNS TABLE (
    name text,
    target text,
    key text[],
    label text,
    options jsonb,
    jobs bigint,
    last_job_at timestamptz,
    created_at timestamptz,
    created_by text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $list_targets$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        t.name,
        format('%I.%I', t.schema_name, t.table_name),
        t.key_columns,
        t.options ->> 'label',
        t.options,
        count(j.job_id),
        max(j.created_at),
        t.created_at,
        t.created_by
    FROM pgimport.target AS t
    LEFT JOIN pgimport.job AS j ON j.target_id = t.target_id
    WHERE t.dropped_at IS NULL
    GROUP BY t.target_id
    ORDER BY t.name;
END
$list_targets$;

COMMENT ON FUNCTION pgimport.list_targets() IS
'Lists the registered targets with their tables, keys, options and numbers of jobs. '
'Example: select * from pgimport.list_targets()';
