-- The column that declares rows of a target deleted, as its option soft_delete says, and SQL of the
-- condition that row t is not; nulls where the target has none.
-- Called by _rollback_scope, _delete_rows and the redo.
CREATE OR REPLACE FUNCTION pgimport._alive_sql(
    p_target_id bigint,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_alive_sql$
BEGIN
    RETURN (
        SELECT format(
            CASE a.atttypid WHEN 'boolean'::regtype THEN 't.%I IS NOT TRUE' ELSE 't.%I IS NULL' END,
            a.attname
        )
        FROM pgimport.target AS g
        INNER JOIN pg_attribute AS a
            ON a.attrelid = p_relation
                AND a.attname = g.options ->> 'soft_delete'
                AND NOT a.attisdropped
        WHERE g.target_id = p_target_id
    );
END;
$_alive_sql$;

COMMENT ON FUNCTION pgimport._alive_sql(bigint, regclass) IS
'internal: SQL condition that a row of a target was not declared deleted.';
