-- SQL of what an update by rows of a job would change, where their key is in the target: SELECT
-- of (file_no, row_no, changes), changes {column: {old, new}} with the columns that differ, as
-- text. Of a job that updates it is what will be written: by the rules of the columns, and none for
-- rows that repeat another one of the files.
-- It reads relation v, rows of the job's table of values, and m, their marks; rows of the target
-- that the caller may not see have no line. Values of sensitive columns are masked.
-- Called by _preview_rows.
CREATE OR REPLACE FUNCTION pgimport._preview_changes(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_preview_changes$
DECLARE
    v_updates boolean := coalesce(p_job.options ->> 'on_duplicate' = 'update', false);
    v_compared text;
    r_key record;
BEGIN
    SELECT string_agg(
        format(
            '(%1$L, (t.%1$I)::text COLLATE "C", %2$s COLLATE "C", %3$L::boolean)',
            c.column_name,
            CASE WHEN v_updates THEN format('(%s)::text', m.merge_sql) ELSE c.shown_sql END,
            c.is_sensitive
        ), ', ' ORDER BY c.column_no
    ) INTO v_compared
    FROM pgimport._preview_columns(p_job, p_relation) AS c
    LEFT JOIN pgimport._merge_columns(p_job) AS m ON v_updates AND m.column_name = c.column_name
    WHERE NOT c.is_key
        AND has_column_privilege(p_relation, c.column_name, 'SELECT')
        AND (m.column_name IS NOT NULL OR NOT v_updates);
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;

    -- OFFSET 0: row by row through the index of the key, whatever the planner thinks of the number
    -- of rows; where nulls are equal there is no such way, and hashes are joined
    RETURN format(
        'SELECT k.file_no, k.row_no, q.changes FROM (%s) AS k '
        'INNER JOIN v ON v.file_no = k.file_no AND v.row_no = k.row_no '
        'INNER JOIN m ON m.file_no = k.file_no AND m.row_no = k.row_no AND m.database%s '
        'CROSS JOIN LATERAL (SELECT (SELECT coalesce(jsonb_object_agg(c.name, '
        'jsonb_build_object(''old'', CASE WHEN c.hidden THEN pgimport._mask(c.old) '
        'ELSE c.old END, ''new'', CASE WHEN c.hidden THEN pgimport._mask(c.new) '
        'ELSE c.new END)), ''{}'') FROM (VALUES %s) AS c (name, old, new, hidden) '
        'WHERE c.old COLLATE "C" IS DISTINCT FROM c.new COLLATE "C") AS changes '
        'FROM %s AS t WHERE %s%s) AS q',
        -- of those few rows that v holds
        replace(
            r_key.staged_keys,
            format('pgimport_staging.%I AS v',
                pgimport._staging_name(p_job.job_id, '_value')),
            'v'
        ),
        CASE WHEN v_updates THEN ' AND NOT m.internal' END,
        coalesce(v_compared, '(NULL::text, NULL::text, NULL::text, false)'),
        p_relation,
        r_key.target_equal,
        CASE WHEN strpos(r_key.target_equal, r_key.hash) > 0 THEN '' ELSE ' OFFSET 0' END
    );
END;
$_preview_changes$;

COMMENT ON FUNCTION pgimport._preview_changes(pgimport.job, regclass) IS
'internal: SQL of what rows of a job would change of the rows that are in the target.';
