-- Checks a mapping {"header of the file": "column of the target" or null} and a set of constants
-- {"column": value} against the columns of the target.
-- Called by create_job, stage_file and set_mapping. Raises PI003, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport._check_mapping(
    p_target_id bigint,
    p_mapping jsonb,
    p_constants jsonb DEFAULT '{}'
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_mapping$
DECLARE
    r_pair record;
    r_column record;
BEGIN
    IF jsonb_typeof(coalesce(p_mapping, '{}')) <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'a mapping must be an object from header to column',
            DETAIL = format('it is %s', left(p_mapping::text, 200)),
            HINT = 'for example {"Order ID": "ebay_order_id", "internal note": null}';
    END IF;

    FOR r_pair IN
        SELECT m.key AS given_as, m.value #>> '{}' AS column_name, jsonb_typeof(m.value) AS kind
        FROM jsonb_each(coalesce(p_mapping, '{}')) AS m
        UNION ALL
        SELECT 'constants', c.key, 'string' FROM jsonb_each(coalesce(p_constants, '{}')) AS c
    LOOP
        CONTINUE WHEN r_pair.kind = 'null';

        SELECT c.* INTO r_column
        FROM pgimport._target_columns(p_target_id) AS c
        WHERE c.column_name = r_pair.column_name;

        IF r_pair.kind <> 'string' OR r_column.column_name IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI206',
                MESSAGE = format('column "%s" does not exist in the target', r_pair.column_name),
                DETAIL = format('named by "%s"', left(r_pair.given_as, 200)),
                HINT = (
                    SELECT 'columns: ' || string_agg(c.column_name, ', ' ORDER BY c.column_no)
                    FROM pgimport._target_columns(p_target_id) AS c
                );
        ELSIF r_column.generated OR r_column.identity = 'a' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI207',
                MESSAGE = format('column "%s" cannot be imported into', r_pair.column_name),
                DETAIL = 'the database computes it (GENERATED ALWAYS)',
                HINT = 'map its header to null';
        END IF;
    END LOOP;
END;
$_check_mapping$;

COMMENT ON FUNCTION pgimport._check_mapping(bigint, jsonb, jsonb) IS
'internal: checks that a mapping and constants name columns that can be written.';
