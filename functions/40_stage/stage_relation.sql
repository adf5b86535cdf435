-- Stages the rows of a table, view, materialised or foreign table that is there already, as one
-- file of the job. Values are staged as the text PostgreSQL writes.
-- Called by users. The source is read with the caller's rights and search_path.
-- Raises PI001, PI002, PI003, PI101, PI102, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport.stage_relation(
    p_job_id uuid,
    p_source regclass,
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS $stage_relation$
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_columns text[];
    v_order text;
    v_unknown text;
    v_opened jsonb;
    v_table text;
    v_rows bigint;
BEGIN
    PERFORM pgimport._require_keys(
        v_options, '{mapping,order_by,file_no}', 'p_options of stage_relation'
    );
    IF p_source IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no source given: "p_source" is null',
            HINT = 'select pgimport.stage_relation(:''job'', ''public.incoming'');';
    END IF;

    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO v_columns
    FROM pg_attribute AS a
    WHERE a.attrelid = p_source AND a.attnum > 0 AND NOT a.attisdropped;

    IF jsonb_typeof(v_options -> 'order_by') NOT IN ('array', 'null') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "order_by" must be a list of columns',
            DETAIL = format('It was: %s', left(v_options ->> 'order_by', 200)),
            HINT = 'for example {"order_by": ["id"]}';
    END IF;
    SELECT
        string_agg(format('s.%I', o.name), ', ' ORDER BY o.place),
        min(o.name) FILTER (WHERE o.name <> ALL (v_columns))
    INTO v_order, v_unknown
    FROM jsonb_array_elements_text(nullif(v_options -> 'order_by', 'null'))
        WITH ORDINALITY AS o (name, place);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI206',
            MESSAGE = format('column "%s" does not exist in "%s"', v_unknown, p_source),
            DETAIL = 'named by "order_by"',
            HINT = 'columns: ' || array_to_string(v_columns, ', ');
    END IF;

    v_opened := pgimport.stage_file(
        p_job_id,
        p_source::text,
        v_columns,
        v_options - 'order_by' || '{"line_offset": 0}'
    );
    SELECT f.staging_table INTO STRICT v_table FROM pgimport.file AS f
    WHERE f.job_id = p_job_id AND f.file_no = (v_opened ->> 'file_no')::integer;

    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (%s) SELECT %s FROM %s AS s%s',
        v_table,
        (
            SELECT string_agg(quote_ident(m ->> 'staged_as'), ', ' ORDER BY (m -> 'position')::int)
            FROM jsonb_array_elements(v_opened -> 'mapping') AS m
        ),
        (
            SELECT string_agg(format('s.%I::text', c.name), ', ' ORDER BY c.place)
            FROM unnest(v_columns) WITH ORDINALITY AS c (name, place)
        ),
        p_source,
        coalesce(' ORDER BY ' || v_order, '')
    );
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

    RETURN pgimport.finish_file(p_job_id, (v_opened ->> 'file_no')::integer, v_rows)
        || jsonb_build_object('mapping', v_opened -> 'mapping', 'warnings', v_opened -> 'warnings');
END;
$stage_relation$;

COMMENT ON FUNCTION pgimport.stage_relation(uuid, regclass, jsonb, text) IS
'Stages the rows of a relation that is there already as one file of a job; options: mapping, '
'order_by (columns; gives the rows a fixed order), file_no. '
'Example: select pgimport.stage_relation(:''job'', ''public.incoming_codes'')';
