-- Keeps a mapping for files with a header: stage_file() follows it for every job of the target
-- (and tenant) that gives no mapping itself. What the mapping does not say is left to the names.
-- Case, accents and signs of the header do not matter, its order does.
-- Called by users. Raises PI001, PI002, PI003, PI201, PI205, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport.save_mapping(
    p_target text,
    p_header text[],
    p_mapping jsonb,
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $save_mapping$
DECLARE
    r_target pgimport.target := pgimport._find_target(p_target);
    v_unknown text;
    v_kept jsonb;
BEGIN
    PERFORM pgimport._check_save_options(p_options, '{name,tenant}');
    IF coalesce(cardinality(p_header), 0) = 0 OR coalesce(p_mapping, 'null') = 'null' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'a header and a mapping are required',
            HINT = format(
                'select pgimport.save_mapping(%L, ''{Order ID,Note}'', '
                '''{"Order ID": "ebay_order_id", "Note": null}'');', r_target.name
            );
    END IF;
    PERFORM pgimport._check_mapping(r_target.target_id, p_mapping);
    SELECT g.header INTO v_unknown
    FROM jsonb_object_keys(p_mapping) AS g (header)
    WHERE g.header <> ALL (array_remove(p_header, NULL))
    LIMIT 1;
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('the mapping names "%s", which is not in the header',
                left(v_unknown, 200)),
            DETAIL = format('the header is %s', left(p_header::text, 500)),
            HINT = 'give the names as they stand in the header';
    END IF;
    -- two fields for one column are refused now, not when the file comes
    PERFORM FROM pgimport._file_mapping(r_target, p_header, p_mapping, NULL);

    v_kept := pgimport._keep_mapping(
        r_target, p_options ->> 'tenant', p_options ->> 'name', p_header, p_mapping
    );
    RETURN pgimport._target_envelope(
        r_target,
        format('mapping "%s", version %s, is %s', v_kept ->> 'name', v_kept ->> 'version',
            CASE WHEN (v_kept -> 'existing')::boolean THEN 'saved already' ELSE 'saved' END),
        v_kept
    );
END
$save_mapping$;

COMMENT ON FUNCTION pgimport.save_mapping(text, text[], jsonb, jsonb) IS
'Keeps a mapping for files with a header; stage_file() follows the newest one for jobs that give '
'none. Options: name, tenant (for this tenant''s jobs alone). Keys: mapping_id, version, existing. '
'Example: select pgimport.save_mapping(''codes'', ''{Voucher,Shop}'', ''{"Voucher": "code"}'')';

-- Refuses wrong options of a function that saves mappings.
-- Called by save_mapping() and save_job_mapping(). Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_save_options(
    p_options jsonb,
    p_allowed text[]
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_save_options$
DECLARE
    v_wrong text;
BEGIN
    PERFORM pgimport._require_keys(p_options, p_allowed, 'the options of a saved mapping');
    SELECT o.key INTO v_wrong
    FROM jsonb_each(CASE WHEN jsonb_typeof(p_options) = 'object' THEN p_options ELSE '{}' END) AS o
    WHERE CASE o.key
            WHEN 'file_no' THEN jsonb_typeof(o.value) <> 'number'
                OR (o.value #>> '{}')::numeric NOT BETWEEN 1 AND 2147483647
                OR (o.value #>> '{}')::numeric % 1 <> 0
            WHEN 'tenant' THEN jsonb_typeof(o.value) NOT IN ('string', 'null')
            ELSE jsonb_typeof(o.value) <> 'string' OR o.value #>> '{}' !~ '\S'
        END
    ORDER BY o.key LIMIT 1;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('option "%s" of a saved mapping must be %s', v_wrong,
                CASE v_wrong WHEN 'file_no' THEN 'the number of a file' ELSE 'a text' END),
            DETAIL = format('it is %s', left((p_options -> v_wrong)::text, 200)),
            HINT = 'for example {"name": "export of the shop"}';
    END IF;
END
$_check_save_options$;

COMMENT ON FUNCTION pgimport._check_save_options(jsonb, text[]) IS
'internal: checks the options of a function that saves mappings.';
