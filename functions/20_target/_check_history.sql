-- Refuses the option row_history for a target whose records could not be found again by their key.
-- Called by register_target(), when the unique index is there. Raises PI214.
CREATE OR REPLACE FUNCTION pgimport._check_history(
    p_target pgimport.target
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_history$
DECLARE
    r_column record;
BEGIN
    SELECT k.column_name, k.type_name INTO r_column
    FROM pgimport._key_columns(p_target.target_id) AS k
    WHERE NOT k.hashable
    ORDER BY k.key_position
    LIMIT 1;

    IF r_column.column_name IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI214',
            MESSAGE = format('target "%s" cannot keep a history of its rows', p_target.name),
            DETAIL = format('Rows are found in it by a hash of their key, and values of column '
                '"%s" (%s) have none that goes with the index of the key.',
                r_column.column_name, r_column.type_name),
            HINT = 'Leave the option "row_history" out, or choose another key.';
    END IF;
END
$_check_history$;

COMMENT ON FUNCTION pgimport._check_history(pgimport.target) IS
'internal: refuses a history of rows for a target whose keys have no hash.';
