-- How the columns of a target's key are compared: by the unique index's own operators, collation
-- and input type, so that what pgimport calls a duplicate is what the index would refuse. A target
-- with on_duplicate = create may have no such index: its key compares as an index would by default.
-- compare_type: the type to cast to before comparing, null when it is the column's own.
-- equal_operator: as OPERATOR(schema.=). collation_name: quoted schema.name, null without one.
-- index_position: the column's place inside the index, for statements in key order.
-- hashable: equal values have equal hashes, those of hash_record_extended().
-- living_sql: condition on a row t of the target without which it holds no key: a soft-deleted row
-- that the index leaves out. The same in every line; true where the index holds all rows.
-- Called by duplicate marking, insert and rollback. Raises PI201, PI204,
-- PI205 (also when the table has no import_job_id).
CREATE OR REPLACE FUNCTION pgimport._key_columns(
    p_target_id bigint
)
RETURNS TABLE (
    key_position integer,
    column_name text,
    type_name text,
    compare_type text,
    equal_operator text,
    collation_name text,
    nulls_not_distinct boolean,
    index_name text,
    index_position integer,
    hashable boolean,
    living_sql text
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
-- the joins are written in the order in which they find their few rows
SET join_collapse_limit = 1
AS $_key_columns$
#variable_conflict use_column
DECLARE
    r_target pgimport.target;
    v_relation regclass;
    v_index regclass;
BEGIN
    SELECT t.*
    INTO r_target
    FROM pgimport.target AS t
    WHERE t.target_id = p_target_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI201',
            MESSAGE = format('target number %s is not registered', p_target_id),
            HINT = 'select * from pgimport.list_targets();';
    END IF;
    v_relation := pgimport._target_relation(r_target);
    v_index := pgimport._key_index(
        v_relation, r_target.key_columns, r_target.options ->> 'soft_delete'
    );
    IF v_index IS NULL AND r_target.options ->> 'on_duplicate' IS DISTINCT FROM 'create' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI204',
            MESSAGE = format(
                'target "%s" has no unique index on (%s)',
                r_target.name, array_to_string(r_target.key_columns, ', ')
            ),
            DETAIL = 'A valid unique index over exactly these columns, without WHERE clause and '
                'without expressions, is the last guard against duplicates.',
            HINT = format(
                'CREATE UNIQUE INDEX ON %s (%s);',
                v_relation,
                (SELECT string_agg(format('%I', k), ', ') FROM unnest(r_target.key_columns) AS k)
            );
    END IF;

    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = v_relation
            AND a.attname = 'import_job_id'
            AND a.atttypid = 'uuid'::regtype
            AND NOT a.attisdropped
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI205',
            MESSAGE = format('table "%s" has no column "import_job_id" of type uuid', v_relation),
            DETAIL = 'Every imported row is stamped with its job there.',
            HINT = format('ALTER TABLE %s ADD COLUMN import_job_id uuid;', v_relation);
    END IF;

    RETURN QUERY
    WITH part AS MATERIALIZED (
        SELECT
            a.attname, a.atttypid, a.atttypmod, k.opclass, k.collation_id,
            k.ordinality AS place, i.indnullsnotdistinct AS same_nulls, c.relname AS index_name
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        CROSS JOIN LATERAL
            unnest(i.indkey::smallint[], i.indclass::oid[], i.indcollation::oid[])
            WITH ORDINALITY AS k (attnum, opclass, collation_id, ordinality)
        INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indexrelid = v_index
            AND k.ordinality <= i.indnkeyatts
        UNION ALL
        SELECT
            a.attname, a.atttypid, a.atttypmod, pgimport._default_opclass(a.atttypid),
            a.attcollation, k.ordinality, false, NULL
        FROM unnest(r_target.key_columns) WITH ORDINALITY AS k (name, ordinality)
        INNER JOIN pg_attribute AS a
            ON a.attrelid = v_relation AND a.attname = k.name AND NOT a.attisdropped
        WHERE v_index IS NULL
    )

    SELECT
        array_position(r_target.key_columns, p.attname::text),
        p.attname::text,
        format_type(p.atttypid, p.atttypmod),
        -- -1: without a length, that "character" would have by itself
        CASE
            WHEN y.typtype <> 'p' AND oc.opcintype <> p.atttypid
                THEN format_type(oc.opcintype, -1)
            -- the operators of enums, arrays and ranges do not see through a domain
            WHEN y.typtype = 'p' AND d.base_type <> p.atttypid THEN format_type(d.base_type, -1)
        END,
        format('OPERATOR(%I.%s)', opn.nspname, op.oprname),
        CASE WHEN co.oid IS NOT NULL THEN format('%I.%I', con.nspname, co.collname) END,
        p.same_nulls,
        p.index_name::text,
        p.place::integer,
        -- of arrays, ranges and the like it depends on what is in them
        (y.typtype <> 'p' OR y.oid = 'anyenum'::regtype) AND EXISTS (
            SELECT FROM pg_am AS m
            INNER JOIN pg_opclass AS h
                ON h.opcmethod = m.oid AND h.opcintype = oc.opcintype AND h.opcdefault
            INNER JOIN pg_amop AS ho ON ho.amopfamily = h.opcfamily AND ho.amopopr = op.oid
            INNER JOIN pg_amproc AS hp
                ON hp.amprocfamily = h.opcfamily
                    AND hp.amproclefttype = h.opcintype
                    AND hp.amprocnum = 2
            WHERE m.amname = 'hash'
        ),
        coalesce(
            pgimport._living_sql(v_index, r_target.options ->> 'soft_delete'), 'true'
        )
    FROM part AS p
    INNER JOIN pg_opclass AS oc ON oc.oid = p.opclass
    INNER JOIN pg_type AS y ON y.oid = oc.opcintype
    INNER JOIN pg_amop AS ao
        ON ao.amopfamily = oc.opcfamily
            AND ao.amoplefttype = oc.opcintype
            AND ao.amoprighttype = oc.opcintype
            AND ao.amopstrategy = 3
    INNER JOIN pg_operator AS op ON op.oid = ao.amopopr
    INNER JOIN pg_namespace AS opn ON opn.oid = op.oprnamespace
    INNER JOIN pgimport._target_columns(p_target_id) AS d ON d.column_name = p.attname
    LEFT JOIN pg_collation AS co ON co.oid = p.collation_id
    LEFT JOIN pg_namespace AS con ON con.oid = co.collnamespace
    ORDER BY 1;
END
$_key_columns$;

COMMENT ON FUNCTION pgimport._key_columns(bigint) IS
'internal: how a target''s key columns are compared, read from the unique index that guards them.';
