-- What there is to know of the columns of a target, import_job_id left out: types down to what is
-- under domains, nullability, defaults, the key and the rules of set_column(). column_no: attnum.
-- Called by mapping, validation and insert. Raises PI201, PI205.
CREATE OR REPLACE FUNCTION pgimport._target_columns(
    p_target_id bigint
)
RETURNS TABLE (
    column_no integer,
    column_name text,
    type_name text,
    type_oid oid,
    base_type oid,
    base_typmod integer,
    type_category "char",
    is_text boolean,
    not_null boolean,
    has_default boolean,
    default_expr text,
    generated boolean,
    identity "char",
    max_length integer,
    key_position integer,
    rules jsonb,
    required boolean
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_target_columns$
#variable_conflict use_column
DECLARE
    r_target pgimport.target;
    v_relation regclass;
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

    RETURN QUERY
    WITH RECURSIVE attribute AS MATERIALIZED (
        SELECT
            a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated,
            a.attidentity, pg_get_expr(d.adbin, d.adrelid) AS default_expr
        FROM pg_attribute AS a
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = v_relation
            AND a.attnum > 0
            AND NOT a.attisdropped
            AND a.attname <> 'import_job_id'
    ),
    -- a domain may stand on a domain: walk down to the type that is none
    walk AS (
        SELECT
            a.attnum, a.atttypid AS type_id, a.atttypmod AS typmod, 0 AS depth,
            false AS domain_not_null, NULL::text COLLATE "C" AS domain_default
        FROM attribute AS a
        UNION ALL
        SELECT
            w.attnum, y.typbasetype, y.typtypmod, w.depth + 1,
            w.domain_not_null OR y.typnotnull,
            coalesce(w.domain_default, pg_get_expr(y.typdefaultbin, 0))
        FROM walk AS w
        INNER JOIN pg_type AS y ON y.oid = w.type_id
        WHERE y.typtype = 'd'
    ),
    base AS MATERIALIZED (
        SELECT DISTINCT ON (w.attnum) w.*
        FROM walk AS w
        ORDER BY w.attnum, w.depth DESC
    ),
    fact AS MATERIALIZED (
        SELECT
            a.attnum, a.attname::text AS name, a.atttypid, a.atttypmod,
            b.type_id, b.typmod, y.typcategory,
            a.attnotnull OR b.domain_not_null AS not_null,
            CASE
                WHEN a.attidentity = 'd' THEN format(
                    'nextval(%L::regclass)',
                    pg_get_serial_sequence(v_relation::text, a.attname::text)
                )
                WHEN a.attgenerated = '' THEN coalesce(a.default_expr, b.domain_default)
            END AS default_expr,
            a.attgenerated <> '' AS generated,
            a.attidentity,
            coalesce(c.rules, '{}'::jsonb) AS rules
        FROM attribute AS a
        INNER JOIN base AS b ON b.attnum = a.attnum
        INNER JOIN pg_type AS y ON y.oid = b.type_id
        LEFT JOIN pgimport.target_column AS c
            ON c.target_id = p_target_id AND c.column_name = a.attname
    )
    SELECT
        f.attnum::integer,
        f.name,
        format_type(f.atttypid, f.atttypmod),
        f.atttypid,
        f.type_id,
        f.typmod,
        f.typcategory,
        f.typcategory = 'S',
        f.not_null,
        f.default_expr IS NOT NULL,
        f.default_expr,
        f.generated,
        f.attidentity,
        CASE
            WHEN f.type_id IN ('varchar'::regtype, 'bpchar'::regtype) AND f.typmod > 4
                THEN f.typmod - 4
        END,
        array_position(r_target.key_columns, f.name),
        f.rules,
        f.rules @> '{"required": true}'
        OR (
            f.not_null
            -- a trigger may fill what is said not to be required
            AND NOT f.rules @> '{"required": false}'
            AND f.default_expr IS NULL
            AND NOT f.generated
            AND f.attidentity = ''
            AND coalesce(f.rules -> 'default', 'null') = 'null'
        )
    FROM fact AS f
    ORDER BY f.attnum;
END
$_target_columns$;

COMMENT ON FUNCTION pgimport._target_columns(bigint) IS
'internal: types, nullability, defaults, key position and rules of a target''s columns.';
