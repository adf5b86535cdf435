-- The statements that make a table ready to be a target: a unique index on the key where that was
-- asked for, the column import_job_id and an index on it. Nothing for a table that has them.
-- Called by register_target(). Raises PI003, PI204, PI208, PI212.
CREATE OR REPLACE FUNCTION pgimport._target_ddl(
    p_relation regclass,
    p_name text,
    p_key text[],
    p_options jsonb
)
RETURNS text[]
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_target_ddl$
DECLARE
    v_ddl text[] := '{}'::text[];
    v_columns text := (SELECT string_agg(format('%I', k), ', ') FROM unnest(p_key) AS k);
    v_index regclass := pgimport._key_index(p_relation, p_key, p_options ->> 'soft_delete');
    v_is_create boolean := coalesce(p_options ->> 'on_duplicate' = 'create', false);
    r_column record;
BEGIN
    IF v_is_create AND v_index IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI212',
            MESSAGE = format(
                'table "%s" cannot take rows of one key twice: unique index "%s" is on (%s)',
                p_relation, v_index, v_columns
            ),
            DETAIL = 'The option {"on_duplicate": "create"} inserts every row, also one whose key '
                'is there.',
            HINT = 'Use {"on_duplicate": "skip"}, "update" or "error", or name another key.';
    ELSIF v_is_create AND (p_options ->> 'create_key')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'option "create_key" of a target must be left out with on_duplicate create',
            DETAIL = 'A unique index on the key would refuse what "create" is to insert.',
            HINT = 'Give one of the two.';
    ELSIF v_index IS NULL AND NOT v_is_create THEN
        IF NOT coalesce((p_options ->> 'create_key')::boolean, false) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI204',
                MESSAGE = format('table "%s" has no unique index on (%s)', p_relation, v_columns),
                DETAIL = 'The last guard against duplicates is a valid unique index over exactly '
                    'these columns, without WHERE clause and without expressions.',
                HINT = format(
                    'select pgimport.register_target(%L, %L, %L, %L);',
                    p_relation, p_name, p_key,
                    coalesce(p_options, '{}') || '{"create_key": true}'
                );
        END IF;
        v_ddl := v_ddl || concat(
            format('CREATE UNIQUE INDEX ON %s (%s)', p_relation, v_columns),
            -- a key is free again when its row is soft-deleted
            (
                SELECT format(
                    CASE WHEN a.atttypid = 'boolean'::regtype
                        THEN ' WHERE %I IS NOT TRUE' ELSE ' WHERE %I IS NULL' END, a.attname
                )
                FROM pg_attribute AS a
                WHERE a.attrelid = p_relation AND a.attname = p_options ->> 'soft_delete'
            ), ';'
        );
    END IF;

    SELECT a.attnum, format_type(a.atttypid, a.atttypmod) AS type_name
    INTO r_column
    FROM pg_attribute AS a
    WHERE a.attrelid = p_relation
        AND a.attname = 'import_job_id'
        AND NOT a.attisdropped;
    IF NOT FOUND THEN
        v_ddl := v_ddl || format('ALTER TABLE %s ADD COLUMN import_job_id uuid;', p_relation);
    ELSIF r_column.type_name <> 'uuid' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI208',
            MESSAGE = format(
                'column "import_job_id" of table "%s" is %s, not uuid',
                p_relation, r_column.type_name
            ),
            DETAIL = 'pgimport writes the job of each imported row into this column.',
            HINT = format(
                'ALTER TABLE %s RENAME COLUMN import_job_id TO old_import_job_id;', p_relation
            );
    END IF;

    IF NOT EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = p_relation
            AND i.indkey[0] = r_column.attnum
            AND i.indisvalid
            AND i.indpred IS NULL
    ) THEN
        v_ddl := v_ddl || format(
            CASE p_options ->> 'job_index'
                WHEN 'btree' THEN 'CREATE INDEX ON %s (import_job_id);'
                ELSE 'CREATE INDEX ON %s USING brin (import_job_id) '
                    'WITH (autosummarize = true);'
            END, p_relation
        );
    END IF;
    RETURN v_ddl;
END
$_target_ddl$;

COMMENT ON FUNCTION pgimport._target_ddl(regclass, text, text[], jsonb) IS
'internal: the statements that make a table ready to be a target.';
