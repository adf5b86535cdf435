-- Checks the option "assignment" of a new job: who or what its rows are assigned to.
-- {"mode": "none"} · {"mode": "single", "column", "values": [one]} · {"mode": "round_robin",
-- "column", "values": […]} · {"mode": "by_column", "column", "source_column": a field of the
-- files, "map": {its text: value}}.
-- Called by create_job. Raises PI002, PI003, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport._check_assignment(
    p_target pgimport.target,
    p_assignment jsonb,
    p_constants jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_assignment$
DECLARE
    c_mode CONSTANT text := p_assignment ->> 'mode';
    v_column text := p_assignment ->> 'column';
    v_fault text;
    v_wrong text;
    r_column record;
BEGIN
    IF p_assignment IS NULL THEN
        RETURN;
    END IF;
    PERFORM pgimport._require_keys(
        p_assignment, '{mode,column,values,source_column,map}', 'the option "assignment"'
    );
    v_fault := CASE
        WHEN c_mode IS NULL OR c_mode NOT IN ('none', 'single', 'round_robin', 'by_column')
            THEN '"mode" must be "none", "single", "round_robin" or "by_column"'
        WHEN c_mode = 'none' THEN NULL
        WHEN jsonb_typeof(p_assignment -> 'column') IS DISTINCT FROM 'string'
            THEN '"column" must be the column that is assigned'
        WHEN c_mode = 'by_column' THEN CASE
            WHEN p_assignment ? 'values' THEN '"values" does not go with the mode "by_column"'
            WHEN jsonb_typeof(p_assignment -> 'source_column') IS DISTINCT FROM 'string'
                OR p_assignment ->> 'source_column' !~ '\S'
                THEN '"source_column" must be a field of the files'
            WHEN jsonb_typeof(p_assignment -> 'map') IS DISTINCT FROM 'object'
                OR p_assignment -> 'map' = '{}'
                OR p_assignment @? '$.map.* ? (@.type() != "string" && @.type() != "number" '
                '&& @.type() != "boolean")'
                THEN '"map" must be an object from the field''s texts to values'
        END
        WHEN p_assignment ?| '{source_column,map}'
            THEN format('"source_column" and "map" do not go with the mode "%s"', c_mode)
        WHEN jsonb_typeof(p_assignment -> 'values') IS DISTINCT FROM 'array'
            OR jsonb_array_length(p_assignment -> 'values') NOT BETWEEN 1 AND 10000
            OR p_assignment @? '$.values[*] ? (@.type() != "string" && @.type() != "number" '
            '&& @.type() != "boolean")'
            THEN '"values" must be a list of at least one value'
        WHEN c_mode = 'single' AND jsonb_array_length(p_assignment -> 'values') > 1
            THEN '"values" must hold one value for the mode "single"'
    END;
    IF v_fault IS NULL AND c_mode <> 'none' AND p_constants ? v_column THEN
        v_fault := format('column "%s" is a constant of the job already', v_column);
    END IF;

    IF v_fault IS NULL AND c_mode <> 'none' THEN
        PERFORM pgimport._check_mapping(
            p_target.target_id, jsonb_build_object('assignment', v_column)
        );
        SELECT c.* INTO r_column
        FROM pgimport._target_columns(p_target.target_id) AS c
        WHERE c.column_name = v_column;
        IF r_column.key_position IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI207',
                MESSAGE = format('column "%s" cannot be assigned: it belongs to the key', v_column),
                DETAIL = format('the key of the target is (%s)',
                    array_to_string(p_target.key_columns, ', ')),
                HINT = 'a key tells the rows apart, so it comes from the files or a constant';
        END IF;
        SELECT v.value INTO v_wrong
        FROM (
            SELECT a.value
            FROM jsonb_array_elements_text(p_assignment -> 'values') AS a (value)
            UNION ALL
            SELECT m.value FROM jsonb_each_text(p_assignment -> 'map') AS m
        ) AS v
        WHERE pgimport._cast_sqlstate(v.value, r_column.type_name) IS NOT NULL
            OR char_length(rtrim(v.value, ' ')) > r_column.max_length
            OR v.value !~ '\S'
        LIMIT 1;
        IF v_wrong IS NOT NULL THEN
            v_fault := format('"%s" is not a value of column "%s", which is %s',
                left(v_wrong, 200), v_column, r_column.type_name);
        END IF;
    END IF;

    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('wrong assignment: %s', v_fault),
            DETAIL = format('it is %s', left(p_assignment::text, 500)),
            HINT = 'for example {"assignment": {"mode": "round_robin", "column": "owner", '
                '"values": ["ann", "bob"]}}';
    END IF;
END;
$_check_assignment$;

COMMENT ON FUNCTION pgimport._check_assignment(pgimport.target, jsonb, jsonb) IS
'internal: checks to whom the rows of a new job are to be assigned.';
