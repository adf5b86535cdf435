-- Checks a mapping {"header of the file": "column of the target", null or a transform} and a set
-- of constants {"column": value} against the columns of the target. The transforms are a closed
-- list: {"column": …, "part": 1, "separator": " "} joins fields in the order of their parts,
-- {"split": " ", "columns": […]} gives the pieces of a field to several columns.
-- Called by create_job, stage_file, set_mapping, save_mapping and _saved_mapping.
-- Raises PI002, PI003, PI206, PI207.
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
    PERFORM pgimport._check_transform(m.key, m.value)
    FROM jsonb_each(coalesce(p_mapping, '{}')) AS m
    WHERE jsonb_typeof(m.value) NOT IN ('string', 'null');

    FOR r_pair IN
        SELECT m.key AS given_as, c.name AS column_name
        FROM jsonb_each(coalesce(p_mapping, '{}')) AS m
        CROSS JOIN LATERAL (
            SELECT m.value #>> '{}' AS name WHERE jsonb_typeof(m.value) = 'string'
            UNION ALL
            SELECT m.value ->> 'column' WHERE jsonb_typeof(m.value) = 'object'
            UNION ALL
            SELECT s.name
            FROM jsonb_array_elements_text(
                    CASE WHEN jsonb_typeof(m.value) = 'object' THEN m.value -> 'columns' END
                ) AS s (name)
        ) AS c
        WHERE c.name IS NOT NULL
        UNION ALL
        SELECT 'constants', c.key FROM jsonb_each(coalesce(p_constants, '{}')) AS c
    LOOP
        SELECT c.* INTO r_column
        FROM pgimport._target_columns(p_target_id) AS c
        WHERE c.column_name = r_pair.column_name;

        IF r_column.column_name IS NULL THEN
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

-- Checks what a mapping says of one field where that is no column and not null: its keys and the
-- types of their values. Called by _check_mapping. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_transform(
    p_header text,
    p_transform jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_transform$
DECLARE
    v_fault text;
BEGIN
    IF jsonb_typeof(p_transform) = 'object' THEN
        PERFORM pgimport._require_keys(
            p_transform, '{column,part,separator,split,columns}',
            format('the mapping of "%s"', left(p_header, 200))
        );
    END IF;
    v_fault := CASE
        WHEN jsonb_typeof(p_transform) <> 'object'
            THEN 'it must be a column, null, or an object that joins or splits fields'
        WHEN p_transform ?| '{column,part,separator}' AND p_transform ?| '{split,columns}'
            THEN 'a field is joined (column, part, separator) or split (split, columns), not both'
        WHEN p_transform ? 'split' OR p_transform ? 'columns' THEN CASE
            WHEN jsonb_typeof(p_transform -> 'split') IS DISTINCT FROM 'string'
                OR length(p_transform ->> 'split') NOT BETWEEN 1 AND 20
                THEN '"split" must be a text of 1 to 20 characters'
            WHEN jsonb_typeof(p_transform -> 'columns') IS DISTINCT FROM 'array'
                OR jsonb_array_length(p_transform -> 'columns') NOT BETWEEN 1 AND 100
                OR NOT p_transform @? '$.columns[*] ? (@.type() == "string")'
                OR p_transform @? '$.columns[*] ? (@.type() != "string" && @ != null)'
                THEN '"columns" must be a list of 1 to 100 columns, null for a piece left out'
        END
        WHEN jsonb_typeof(p_transform -> 'column') IS DISTINCT FROM 'string'
            THEN '"column" must be the column that the fields are joined into'
        WHEN p_transform ? 'part' AND NOT p_transform @? '$.part ? (@ >= 1 && @ <= 1000)'
            THEN '"part" must be a number from 1 to 1000'
        WHEN p_transform ? 'part' AND (p_transform -> 'part')::numeric % 1 <> 0
            THEN '"part" must be a whole number'
        WHEN p_transform ? 'separator' AND (
            jsonb_typeof(p_transform -> 'separator') <> 'string'
            OR length(p_transform ->> 'separator') > 20
        ) THEN '"separator" must be a text of at most 20 characters'
    END;

    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('wrong mapping of "%s": %s', left(p_header, 200), v_fault),
            DETAIL = format('it is %s', left(p_transform::text, 200)),
            HINT = 'for example {"Street": {"column": "address", "part": 1}, '
                '"City": {"column": "address", "part": 2, "separator": ", "}} '
                'or {"Name": {"split": " ", "columns": ["first_name", "last_name"]}}';
    END IF;
END;
$_check_transform$;

COMMENT ON FUNCTION pgimport._check_transform(text, jsonb) IS
'internal: checks what a mapping says of a field that is joined with others or split.';
