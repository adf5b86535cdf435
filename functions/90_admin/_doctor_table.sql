-- The column import_job_id of a target and the index by which a rollback finds the rows of a job.
-- Called by _doctor_targets().
CREATE OR REPLACE FUNCTION pgimport._doctor_job_index(
    p_target pgimport.target,
    p_relation regclass
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_job_index$
#variable_conflict use_column
DECLARE
    v_broken regclass;
    r_column record;
BEGIN
    SELECT a.attnum, format_type(a.atttypid, a.atttypmod) AS type_name INTO r_column
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation AND a.attname = 'import_job_id' AND NOT a.attisdropped;
    IF r_column.type_name IS DISTINCT FROM 'uuid' THEN
        RETURN QUERY SELECT
            format('column import_job_id of target %s', p_target.name),
            'problem',
            coalesce('it is ' || r_column.type_name, 'missing'),
            'each imported row is stamped with its job: imports and rollbacks are refused',
            CASE WHEN r_column.type_name IS NULL
                THEN format('ALTER TABLE %s ADD COLUMN import_job_id uuid;', p_relation)
                ELSE format('ALTER TABLE %s ALTER COLUMN import_job_id TYPE uuid '
                    'USING import_job_id::uuid;', p_relation) END;
        RETURN;
    END IF;

    IF EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = p_relation
            AND i.indkey[0] = r_column.attnum
            AND i.indisvalid
            AND i.indpred IS NULL
    ) THEN
        RETURN;
    END IF;
    SELECT i.indexrelid::regclass INTO v_broken
    FROM pg_index AS i
    INNER JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
    WHERE i.indrelid = p_relation AND i.indkey[0] = r_column.attnum AND i.indpred IS NULL
        AND NOT i.indisvalid
    LIMIT 1;
    RETURN QUERY SELECT
        format('index on import_job_id of target %s', p_target.name),
        'warning',
        coalesce(v_broken || ' is not valid', 'missing'),
        'to verify or roll back a job the whole table is read',
        CASE
            WHEN v_broken IS NOT NULL THEN format('REINDEX INDEX %s;', v_broken)
            WHEN p_target.options ->> 'job_index' = 'btree'
                THEN format('CREATE INDEX ON %s (import_job_id);', p_relation)
            ELSE format('CREATE INDEX ON %s USING brin (import_job_id) '
                'WITH (autosummarize = true);', p_relation)
        END;
END;
$_doctor_job_index$;

COMMENT ON FUNCTION pgimport._doctor_job_index(pgimport.target, regclass) IS
'internal: the column and index by which rows of a job are found, for doctor().';

-- Columns and tables that rules and options of a target name and that are gone.
-- Called by _doctor_targets().
CREATE OR REPLACE FUNCTION pgimport._doctor_rules(
    p_target pgimport.target,
    p_relation regclass
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_rules$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        format('rules of target %s', p_target.name),
        'warning',
        format('column %s is gone', c.column_name),
        'what was said of it holds for nothing; the column of a new name has no rules',
        format('DELETE FROM pgimport.target_column WHERE target_id = %s AND column_name = %L;',
            c.target_id, c.column_name)
    FROM pgimport.target_column AS c
    WHERE c.target_id = p_target.target_id
        AND NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p_relation AND a.attname = c.column_name AND NOT a.attisdropped
        )
    ORDER BY c.column_name;

    RETURN QUERY
    SELECT
        format('rules of target %s', p_target.name),
        'problem',
        format('column %s is looked up in table %s, which is gone', c.column_name,
            c.rules #>> '{lookup,table}'),
        'checks are refused',
        format('SELECT pgimport.set_column(%L, %L, %L);', p_target.name, c.column_name,
            c.rules - 'lookup')
    FROM pgimport.target_column AS c
    WHERE c.target_id = p_target.target_id
        AND c.rules #>> '{lookup,table}' IS NOT NULL
        -- to_regclass() would ask for rights on the schema
        AND NOT EXISTS (
            SELECT FROM pg_class AS k
            INNER JOIN pg_namespace AS n ON n.oid = k.relnamespace
            WHERE ARRAY[n.nspname, k.relname]::text[] = parse_ident(c.rules #>> '{lookup,table}')
        )
        AND EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p_relation AND a.attname = c.column_name AND NOT a.attisdropped
        )
    ORDER BY c.column_name;

    RETURN QUERY
    SELECT
        format('options of target %s', p_target.name),
        'problem',
        format('column %s of option "%s" is gone', p_target.options ->> o.name, o.name),
        CASE o.name WHEN 'soft_delete' THEN 'rollbacks delete rows instead of declaring them deleted'
            ELSE 'jobs with a tenant are refused' END,
        pgimport._register_sql(p_target, p_relation, jsonb_build_object(o.name, NULL))
    FROM unnest('{tenant_column,soft_delete}'::text[]) AS o (name)
    WHERE p_target.options ->> o.name IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p_relation
                AND a.attname = p_target.options ->> o.name
                AND NOT a.attisdropped
        );

    RETURN QUERY
    SELECT
        format('options of target %s', p_target.name),
        'warning',
        format('role "%s" of option "rollback_role" is gone', p_target.options ->> 'rollback_role'),
        'nobody but a superuser may roll back jobs of others',
        pgimport._register_sql(p_target, p_relation, '{"rollback_role": null}')
    WHERE p_target.options ->> 'rollback_role' IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM pg_roles AS r WHERE r.rolname = p_target.options ->> 'rollback_role'
        );
END;
$_doctor_rules$;

COMMENT ON FUNCTION pgimport._doctor_rules(pgimport.target, regclass) IS
'internal: what rules and options of a target name and is gone, for doctor().';

-- What makes imports into a table or their rollbacks slow or different from what was seen when it
-- was registered: foreign keys without an index, triggers that came later, forced row-level
-- security.
-- Called by _doctor_targets().
CREATE OR REPLACE FUNCTION pgimport._doctor_table(
    p_target pgimport.target,
    p_relation regclass
)
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_table$
#variable_conflict use_column
DECLARE
    v_tree oid[] := ARRAY(SELECT r::oid FROM pgimport._whole_table(p_relation) AS r);
BEGIN
    RETURN QUERY
    SELECT
        format('references to target %s', p_target.name),
        'warning',
        format('foreign key %s of table %s has no index', e.name, e.child),
        'for each row that a rollback deletes that table is read whole',
        e.index_ddl
    FROM pgimport._cascade_edges(v_tree) AS e
    WHERE e.index_ddl IS NOT NULL;

    -- a row of the catalog that is younger than the target's own; neither is ever rewritten
    RETURN QUERY
    SELECT
        format('triggers of target %s', p_target.name),
        'warning',
        format('made or changed since it was registered: %s',
            string_agg(DISTINCT quote_ident(g.tgname), ', ')),
        'they run for every imported row, and in rollbacks; see rehearse_job(), then register '
        'the target as it is',
        pgimport._register_sql(p_target, p_relation, '{}')
    FROM pg_trigger AS g
    INNER JOIN pgimport.target AS t ON t.target_id = p_target.target_id
    WHERE g.tgrelid = ANY (v_tree)
        AND NOT g.tgisinternal
        AND g.tgenabled <> 'D'
        AND age(g.xmin) < age(t.xmin)
    HAVING count(*) > 0;

    RETURN QUERY
    SELECT
        format('row-level security of target %s', p_target.name),
        'warning',
        'forced',
        'policies hold the owner of the table, too: rows that they hide are no duplicates to it, '
        'and stay when it rolls a job back',
        format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;', p_relation)
    FROM pg_class AS c
    WHERE c.oid = p_relation AND c.relrowsecurity AND c.relforcerowsecurity;
END;
$_doctor_table$;

COMMENT ON FUNCTION pgimport._doctor_table(pgimport.target, regclass) IS
'internal: what makes imports into a table slow or different, for doctor().';
