-- Refuses unknown keys and wrong values in the options of register_target().
-- Called by register_target(). Raises PI002, PI003, PI206, PI213.
CREATE OR REPLACE FUNCTION pgimport._check_target_options(
    p_relation regclass,
    p_key text[],
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
    PERFORM pgimport._require_keys(
        p_options,
        '{apply_ddl,create_key,job_index,rollback_window,tenant_column,label,on_duplicate,
            soft_delete,rollback_role,row_history}',
        'p_options of register_target'
    );

    FOR r_option IN
        SELECT o.key, o.value, jsonb_typeof(o.value) AS type, o.value #>> '{}' AS text
        FROM jsonb_each(p_options) AS o
        ORDER BY o.key
    LOOP
        v_wanted := CASE
            WHEN r_option.key IN ('apply_ddl', 'create_key', 'row_history')
                AND r_option.type <> 'boolean'
                THEN 'true or false'
            WHEN r_option.key IN ('label', 'tenant_column', 'soft_delete', 'rollback_role')
                AND r_option.type <> 'string'
                THEN 'a text'
            WHEN r_option.key = 'job_index' AND r_option.value NOT IN ('"brin"', '"btree"')
                THEN '"brin" or "btree"'
            WHEN r_option.key = 'on_duplicate'
                AND r_option.value NOT IN ('"skip"', '"update"', '"create"', '"error"')
                THEN '"skip", "update", "create" or "error"'
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
    IF p_options ? 'soft_delete' THEN
        PERFORM pgimport._check_soft_delete(p_relation, p_key, p_options ->> 'soft_delete');
    END IF;
    IF p_options ? 'rollback_role' AND NOT EXISTS (
        SELECT FROM pg_roles AS r WHERE r.rolname = p_options ->> 'rollback_role'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI213',
            MESSAGE = format('role "%s" does not exist', p_options ->> 'rollback_role'),
            DETAIL = 'Only members of the rollback_role may roll back jobs of other roles.',
            HINT = 'Create the role, or name another one: select rolname from pg_roles;';
    END IF;
END
$_check_target_options$;

COMMENT ON FUNCTION pgimport._check_target_options(regclass, text[], jsonb) IS
'internal: refuses unknown keys and wrong values in the options of a target.';

-- Refuses a column that cannot say that a row is deleted: a time that is null while the row lives,
-- or a boolean. Called by _check_target_options(). Raises PI206, PI213.
CREATE OR REPLACE FUNCTION pgimport._check_soft_delete(
    p_relation regclass,
    p_key text[],
    p_column text
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_soft_delete$
DECLARE
    v_reason text;
BEGIN
    PERFORM pgimport._require_column(p_relation, p_column);
    SELECT CASE
        WHEN a.attname = ANY (p_key) THEN 'It is part of the key.'
        WHEN a.attgenerated <> '' THEN 'The database computes it (GENERATED ALWAYS).'
        WHEN a.atttypid NOT IN (
                'timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'boolean'::regtype
            ) THEN format('It is of type %s.', format_type(a.atttypid, a.atttypmod))
        WHEN a.attnotnull AND a.atttypid <> 'boolean'::regtype
            THEN 'It is NOT NULL, and a time that is not null says that the row is deleted.'
    END INTO v_reason
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation AND a.attname = p_column AND NOT a.attisdropped;

    IF v_reason IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI213',
            MESSAGE = format('column "%s" cannot say that a row is deleted', p_column),
            DETAIL = v_reason,
            HINT = 'Name a nullable column of type timestamptz, timestamp or date, or a boolean.';
    END IF;
END
$_check_soft_delete$;

COMMENT ON FUNCTION pgimport._check_soft_delete(regclass, text[], text) IS
'internal: refuses a column that cannot say that a row is deleted.';
