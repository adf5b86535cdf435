-- Refuses unknown keys and wrong values in the options of register_target().
-- Called by register_target(). Raises PI002, PI003, PI004, PI206.
CREATE OR REPLACE FUNCTION pgimport._check_target_options(
    p_relation regclass,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_target_options$
DECLARE
    r_option record;
    v_wanted text;
BEGIN
    IF p_options ? 'on_duplicate' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI004',
            MESSAGE = 'option "on_duplicate" of a target is not available in this version',
            HINT = 'For a key without an index use {"create_key": true}.';
    END IF;
    PERFORM pgimport._require_keys(
        p_options,
        '{apply_ddl,create_key,job_index,rollback_window,tenant_column,label}',
        'p_options of register_target'
    );

    FOR r_option IN
        SELECT o.key, o.value, jsonb_typeof(o.value) AS type, o.value #>> '{}' AS text
        FROM jsonb_each(p_options) AS o
        ORDER BY o.key
    LOOP
        v_wanted := CASE
            WHEN r_option.key IN ('apply_ddl', 'create_key') AND r_option.type <> 'boolean'
                THEN 'true or false'
            WHEN r_option.key IN ('label', 'tenant_column') AND r_option.type <> 'string'
                THEN 'a text'
            WHEN r_option.key = 'job_index' AND r_option.value NOT IN ('"brin"', '"btree"')
                THEN '"brin" or "btree"'
            WHEN r_option.key = 'rollback_window' THEN
                CASE
                    WHEN r_option.type <> 'string'
                        OR pgimport._cast_sqlstate(r_option.text, 'interval') IS NOT NULL
                        THEN 'an interval such as "30 days"'
                    WHEN r_option.text::interval <= interval '0'
                        THEN 'an interval above 0'
                END
        END;
        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" of a target must be %s', r_option.key, v_wanted),
                DETAIL = format('It was: %s', left(r_option.value::text, 200)),
                HINT = 'For example: {"rollback_window": "30 days", "job_index": "brin"}';
        END IF;
    END LOOP;

    IF p_options ? 'tenant_column' THEN
        PERFORM pgimport._require_column(p_relation, p_options ->> 'tenant_column');
    END IF;
END
$_check_target_options$;

COMMENT ON FUNCTION pgimport._check_target_options(regclass, jsonb) IS
'internal: refuses unknown keys and wrong values in the options of a target.';
