-- Everything about a target: its columns with types, what is required, defaults and rules, its key
-- and the index that guards it, the options in force.
-- Called by users. Raises PI001, PI201, PI205.
CREATE OR REPLACE FUNCTION pgimport.describe_target(
    p_target text
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $describe_target$
DECLARE
    r_target pgimport.target := pgimport._find_target(p_target);
    v_relation regclass := pgimport._target_relation(r_target);
    v_index regclass := pgimport._key_index(
        v_relation, r_target.key_columns, r_target.options ->> 'soft_delete'
    );
    v_columns jsonb;
    v_warnings jsonb := pgimport._target_warnings(v_relation);
BEGIN
    SELECT jsonb_agg(jsonb_build_object(
        'name', c.column_name,
        'position', c.column_no,
        'type', c.type_name,
        'required', c.required,
        'not_null', c.not_null,
        'default', c.default_expr,
        'max_length', c.max_length,
        'key_position', c.key_position,
        'importable', NOT c.generated AND c.identity <> 'a',
        'rules', c.rules
    ) ORDER BY c.column_no)
    INTO v_columns
    FROM pgimport._target_columns(r_target.target_id) AS c;

    IF (v_index IS NULL) <> (r_target.options ->> 'on_duplicate' IS NOT DISTINCT FROM 'create')
    THEN
        v_warnings := to_jsonb(ARRAY[format(
            CASE WHEN v_index IS NULL
                THEN 'the key (%s) has no unique index any more: imports will be refused'
                ELSE 'the key (%s) has a unique index: imports with on_duplicate create, the '
                    'default of this target, will be refused' END,
            array_to_string(r_target.key_columns, ', ')
        )]) || v_warnings;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = v_relation
            AND a.attname = 'import_job_id'
            AND a.atttypid = 'uuid'::regtype
            AND NOT a.attisdropped
    ) THEN
        v_warnings := to_jsonb(ARRAY[format(
            'the table has no column import_job_id: ALTER TABLE %s ADD COLUMN import_job_id uuid;',
            v_relation
        )]) || v_warnings;
    END IF;

    RETURN pgimport._target_envelope(
        r_target,
        format(
            'target "%s" is table %s with the key (%s)', r_target.name, v_relation,
            array_to_string(r_target.key_columns, ', ')
        ),
        jsonb_build_object(
            'name', r_target.name,
            'key', to_jsonb(r_target.key_columns),
            'index', v_index::text,
            'columns', v_columns,
            'options', '{"rollback_window": "30 days"}'::jsonb || r_target.options,
            'created_at', r_target.created_at,
            'created_by', r_target.created_by
        ),
        v_warnings
    );
END
$describe_target$;

COMMENT ON FUNCTION pgimport.describe_target(text) IS
'Describes a target: columns with types, required ones, defaults and rules, its key, the unique '
'index and its options. Example: select jsonb_pretty(pgimport.describe_target(''codes''))';
