-- Registers a table for import under a name, with the key that says which rows are the same. Adds
-- the column import_job_id and an index on it where they are missing, or returns the statements
-- with {"apply_ddl": false}. The same call again is harmless and puts its options in force.
-- Called by users. Raises PI001, PI002, PI003, PI202, PI203, PI204, PI206, PI207, PI208, PI209,
-- PI212, PI213, PI214; and as PostgreSQL does where the table is not the caller's (42501).
CREATE OR REPLACE FUNCTION pgimport.register_target(
    p_relation regclass,
    p_name text,
    p_key text[],
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $register_target$
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_apply boolean;
    v_ddl text[];
    v_statement text;
    v_known boolean := false;
    v_warnings jsonb;
    r_target pgimport.target;
BEGIN
    PERFORM pgimport._refuse_relation(p_relation);
    IF p_name IS NULL OR p_name !~ '\S' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no name given: "p_name" is null or empty',
            HINT = format(
                'select pgimport.register_target(%L, ''name'', ''{key}'', ''{}'');', p_relation
            );
    END IF;
    PERFORM pgimport._check_key(p_relation, p_key, v_options ->> 'soft_delete');
    PERFORM pgimport._check_target_options(p_relation, p_key, v_options);
    v_apply := coalesce((v_options ->> 'apply_ddl')::boolean, true);

    -- two registrations at once: the second finds what the first has made
    PERFORM pg_advisory_xact_lock(hashtextextended('pgimport.register_target', 0));
    SELECT t.*
    INTO r_target
    FROM pgimport.target AS t
    WHERE t.name = p_name
        AND t.dropped_at IS NULL;
    IF FOUND THEN
        v_known := true;
        IF r_target.key_columns <> p_key OR NOT EXISTS (
            SELECT FROM pg_class AS c
            INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.oid = p_relation
                AND c.relname = r_target.table_name
                AND n.nspname = r_target.schema_name
        ) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI202',
                MESSAGE = format('a target "%s" is registered already', p_name),
                DETAIL = format(
                    'It is table "%s.%s" with the key (%s).', r_target.schema_name,
                    r_target.table_name, array_to_string(r_target.key_columns, ', ')
                ),
                HINT = format('Choose another name, or: select pgimport.drop_target(%L);', p_name);
        END IF;
    END IF;

    v_ddl := pgimport._target_ddl(p_relation, p_name, p_key, v_options);
    v_warnings := pgimport._target_warnings(p_relation);
    IF v_apply THEN
        FOREACH v_statement IN ARRAY v_ddl LOOP
            EXECUTE v_statement;
        END LOOP;
    ELSIF v_ddl <> '{}' THEN
        v_warnings := to_jsonb(ARRAY['the statements in "ddl" must be run before an import'])
            || v_warnings;
    END IF;

    IF v_known THEN
        UPDATE pgimport.target AS t
        SET options = v_options - '{apply_ddl,create_key}'::text[]
        WHERE t.target_id = r_target.target_id
        RETURNING t.* INTO r_target;
    ELSE
        INSERT INTO pgimport.target (name, schema_name, table_name, key_columns, options)
        SELECT
            p_name, n.nspname, c.relname, p_key, v_options - '{apply_ddl,create_key}'::text[]
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = p_relation
        RETURNING * INTO r_target;
    END IF;
    IF v_apply AND (v_options ->> 'row_history')::boolean THEN
        PERFORM pgimport._check_history(r_target);
    END IF;

    RETURN pgimport._target_envelope(
        r_target,
        format(
            'target "%s" is %s', p_name,
            CASE WHEN v_known THEN 'registered already; its options are set' ELSE 'registered' END
        ),
        jsonb_build_object(
            'name', p_name,
            'key', to_jsonb(p_key),
            'ddl', to_jsonb(v_ddl),
            'ddl_applied', v_apply
        ),
        v_warnings,
        jsonb_build_object('options', r_target.options)
    );
END
$register_target$;

COMMENT ON FUNCTION pgimport.register_target(regclass, text, text[], jsonb) IS
'Registers a table for import under a name and with the key of a unique index; adds import_job_id '
'and its index where missing. Options: apply_ddl (true), create_key (false), job_index (brin or '
'btree), rollback_window (30 days), tenant_column, label, on_duplicate (skip, update, create or '
'error: the default of its jobs; create needs no unique index), soft_delete (a column that says a '
'row is deleted), rollback_role (only its members roll back jobs of others), row_history (false: '
'which job wrote each record is kept, see pgimport.row_history). '
'Example: select pgimport.register_target(''codes'', ''codes'', ''{code,merchant_id}'', ''{}'')';
