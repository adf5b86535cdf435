-- The names under which a file may have the columns of a target: each column's own (rank 2) and
-- its aliases (rank 3). Columns that cannot be written are left out.
-- Called by suggest_mapping(). Raises PI201, PI205.
CREATE OR REPLACE FUNCTION pgimport._target_names(
    p_target_id bigint
)
RETURNS TABLE (
    column_no integer,
    column_name text,
    rank integer,
    name text,
    spelling text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_target_names$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.column_no, c.column_name, n.rank, n.name, pgimport._spelling(n.name)
    FROM pgimport._target_columns(p_target_id) AS c
    CROSS JOIN LATERAL (
        SELECT 2 AS rank, c.column_name AS name
        UNION ALL
        SELECT 3, a.value
        FROM jsonb_array_elements_text(coalesce(c.rules -> 'aliases', '[]')) AS a
    ) AS n
    WHERE NOT c.generated
        AND c.identity <> 'a';
END
$_target_names$;

COMMENT ON FUNCTION pgimport._target_names(bigint) IS
'internal: the names, own and aliases, under which a file may have the columns of a target.';
