-- Targets that DDL has made unfit since they were registered: the table, the columns of the key and
-- its unique index, import_job_id and its index, columns that rules and options name.
-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_targets()
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
AS $_doctor_targets$
#variable_conflict use_column
DECLARE
    v_target pgimport.target;
    v_relation regclass;
BEGIN
    FOR v_target IN
        SELECT t.* FROM pgimport.target AS t WHERE t.dropped_at IS NULL ORDER BY t.name
    LOOP
        SELECT c.oid::regclass INTO v_relation
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = v_target.schema_name
            AND c.relname = v_target.table_name
            AND c.relkind IN ('r', 'p');
        IF v_relation IS NULL THEN
            RETURN QUERY SELECT * FROM pgimport._doctor_table_gone(v_target);
        ELSE
            RETURN QUERY SELECT * FROM pgimport._doctor_key(v_target, v_relation);
            RETURN QUERY SELECT * FROM pgimport._doctor_job_index(v_target, v_relation);
            RETURN QUERY SELECT * FROM pgimport._doctor_rules(v_target, v_relation);
            RETURN QUERY SELECT * FROM pgimport._doctor_table(v_target, v_relation);
        END IF;
    END LOOP;
END;
$_doctor_targets$;

COMMENT ON FUNCTION pgimport._doctor_targets() IS
'internal: targets that were made unfit since they were registered, for doctor().';

-- A target whose table is not there by its name. Where a job has written rows into it, the table is
-- known by its number, and found again under another name.
-- Called by _doctor_targets().
CREATE OR REPLACE FUNCTION pgimport._doctor_table_gone(
    p_target pgimport.target
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
AS $_doctor_table_gone$
#variable_conflict use_column
DECLARE
    r_now record;
BEGIN
    SELECT c.oid::regclass AS relation, c.relname, n.nspname INTO r_now
    FROM pgimport.job_write AS w
    INNER JOIN pgimport.job AS j ON j.job_id = w.job_id AND j.target_id = p_target.target_id
    INNER JOIN pg_database AS d ON d.oid = w.database_oid AND d.datname = current_database()
    INNER JOIN pg_class AS c ON c.oid = w.relation_oid AND c.relkind IN ('r', 'p')
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ORDER BY w.written_at DESC
    LIMIT 1;

    RETURN QUERY SELECT
        format('target %s', p_target.name),
        'problem',
        format('table %I.%I is gone%s', p_target.schema_name, p_target.table_name,
            ', it is ' || r_now.relation),
        'imports into it and rollbacks of its jobs are refused',
        CASE
            WHEN r_now.relation IS NULL
                THEN format('SELECT pgimport.drop_target(%L);', p_target.name)
            WHEN r_now.nspname <> p_target.schema_name
                THEN format('ALTER TABLE %s SET SCHEMA %I;', r_now.relation, p_target.schema_name)
            ELSE format('ALTER TABLE %s RENAME TO %I;', r_now.relation, p_target.table_name)
        END;
END;
$_doctor_table_gone$;

COMMENT ON FUNCTION pgimport._doctor_table_gone(pgimport.target) IS
'internal: a target whose table is gone, for doctor().';

-- The key of a target: all its columns are there, and a unique index that can be used guards them.
-- Called by _doctor_targets().
CREATE OR REPLACE FUNCTION pgimport._doctor_key(
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
AS $_doctor_key$
#variable_conflict use_column
DECLARE
    v_index regclass := pgimport._key_index(
        p_relation, p_target.key_columns, p_target.options ->> 'soft_delete'
    );
    v_is_create boolean := coalesce(p_target.options ->> 'on_duplicate' = 'create', false);
    v_name text := format('key of target %s', p_target.name);
    v_columns text := (
        SELECT string_agg(format('%I', k.name), ', ' ORDER BY k.place)
        FROM unnest(p_target.key_columns) WITH ORDINALITY AS k (name, place)
    );
    v_gone text[];
    v_renamed text;
    v_broken regclass;
BEGIN
    SELECT array_agg(k.name ORDER BY k.name) INTO v_gone
    FROM unnest(p_target.key_columns) AS k (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND a.attname = k.name AND NOT a.attisdropped
    );
    IF cardinality(v_gone) > 0 THEN
        -- a unique index on the others and one more: that is what the column is called now
        SELECT min(a.attname) INTO v_renamed
        FROM pg_index AS i
        INNER JOIN pg_attribute AS a
            ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
        WHERE i.indrelid = p_relation AND i.indisunique AND i.indexprs IS NULL
            AND i.indnkeyatts = cardinality(p_target.key_columns)
            AND a.attname <> ALL (p_target.key_columns)
        GROUP BY i.indexrelid
        HAVING count(*) = 1 AND cardinality(v_gone) = 1
        LIMIT 1;
        RETURN QUERY SELECT
            v_name,
            'problem',
            format('column %s is gone', array_to_string(v_gone, ', ')),
            'imports are refused; under another key the table is another target: drop_target(), '
            'then register_target()',
            CASE WHEN v_renamed IS NOT NULL THEN format(
                'ALTER TABLE %s RENAME COLUMN %I TO %I;', p_relation, v_renamed, v_gone[1]
            ) ELSE format('SELECT pgimport.drop_target(%L);', p_target.name) END;
    ELSIF v_index IS NULL AND NOT v_is_create THEN
        SELECT i.indexrelid::regclass INTO v_broken
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
        WHERE i.indrelid = p_relation AND i.indisunique AND NOT i.indisvalid
            AND i.indexprs IS NULL AND i.indpred IS NULL
            AND i.indnkeyatts = cardinality(p_target.key_columns)
            AND NOT EXISTS (
                SELECT FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) AS u (attnum)
                INNER JOIN pg_attribute AS a ON a.attrelid = p_relation AND a.attnum = u.attnum
                WHERE a.attname <> ALL (p_target.key_columns)
            )
        LIMIT 1;
        RETURN QUERY SELECT
            v_name,
            'problem',
            CASE WHEN v_broken IS NULL THEN format('no unique index on (%s)', v_columns)
                ELSE format('index %s is not valid', v_broken) END,
            'imports are refused: it is the last guard against duplicates',
            CASE WHEN v_broken IS NOT NULL THEN format('REINDEX INDEX %s;', v_broken)
                ELSE concat(
                    format('CREATE UNIQUE INDEX ON %s (%s)', p_relation, v_columns),
                    (
                        SELECT format(
                            CASE WHEN a.atttypid = 'boolean'::regtype
                                THEN ' WHERE %I IS NOT TRUE' ELSE ' WHERE %I IS NULL' END, a.attname
                        )
                        FROM pg_attribute AS a
                        WHERE a.attrelid = p_relation AND NOT a.attisdropped
                            AND a.attname = p_target.options ->> 'soft_delete'
                    ), ';'
                ) END;
    ELSIF v_index IS NOT NULL AND v_is_create THEN
        RETURN QUERY SELECT
            v_name,
            'warning',
            format('unique index %s', v_index),
            'imports with on_duplicate create, the default of this target, are refused',
            pgimport._register_sql(p_target, p_relation, '{"on_duplicate": "skip"}');
    END IF;
END;
$_doctor_key$;

COMMENT ON FUNCTION pgimport._doctor_key(pgimport.target, regclass) IS
'internal: whether the key of a target is as imports need it, for doctor().';

-- The call that registers a target as it is, with options put over its own; null ones are left out.
-- Called by those who tell how a target is mended.
CREATE OR REPLACE FUNCTION pgimport._register_sql(
    p_target pgimport.target,
    p_relation regclass,
    p_options jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_register_sql$
BEGIN
    RETURN format(
        'SELECT pgimport.register_target(%L, %L, %L, %L);',
        p_relation, p_target.name, p_target.key_columns,
        jsonb_strip_nulls(p_target.options || p_options)
    );
END;
$_register_sql$;

COMMENT ON FUNCTION pgimport._register_sql(pgimport.target, regclass, jsonb) IS
'internal: the call that registers a target as it is, with other options.';
