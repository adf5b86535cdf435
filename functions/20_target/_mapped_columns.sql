-- What the fields of a file's mapping go to, one row a field and column: whole (the field is the
-- column's value), part (one of several fields joined), split (one of several pieces of a field).
-- field_no: the place of the field; item: the number of the part or piece; items: how many pieces;
-- separator: what stands before the part, or between the pieces. Fields that go nowhere are left
-- out. Called by _file_mapping(), suggest_mapping() and _column_sources().
CREATE OR REPLACE FUNCTION pgimport._mapped_columns(
    p_mapping jsonb
)
RETURNS TABLE (
    field_no integer,
    staged_as text,
    column_name text,
    kind text,
    item integer,
    items integer,
    separator text
)
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_mapped_columns$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT f.position, f.staged_as, c.column_name, c.kind, c.item, c.items, c.separator
    FROM jsonb_to_recordset(p_mapping)
        AS f (position integer, staged_as text, "column" text, transform jsonb)
    CROSS JOIN LATERAL (
        SELECT f."column" AS column_name, 'whole' AS kind, 1 AS item, 1 AS items, '' AS separator
        UNION ALL
        SELECT
            f.transform ->> 'column', 'part',
            coalesce((f.transform -> 'part')::integer, f.position), 1,
            coalesce(f.transform ->> 'separator', ' ')
        UNION ALL
        SELECT
            p.column_name, 'split', p.item::integer,
            jsonb_array_length(f.transform -> 'columns'), f.transform ->> 'split'
        FROM jsonb_array_elements_text(f.transform -> 'columns')
            WITH ORDINALITY AS p (column_name, item)
    ) AS c
    WHERE c.column_name IS NOT NULL;
END
$_mapped_columns$;

COMMENT ON FUNCTION pgimport._mapped_columns(jsonb) IS
'internal: the columns that the fields of a file''s mapping go to, whole, joined or split.';
