-- Refuses a job whose way with duplicates does not go with the key of its target: "create" writes
-- rows of one key twice, which a unique index would refuse; every other way needs that index.
-- Called by create_job and _key_sql. Raises PI204, PI205, PI212.
CREATE OR REPLACE FUNCTION pgimport._require_key(
    p_target pgimport.target,
    p_on_duplicate text
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_require_key$
DECLARE
    v_relation regclass := pgimport._target_relation(p_target);
    v_index regclass := pgimport._key_index(
        v_relation, p_target.key_columns, p_target.options ->> 'soft_delete'
    );
    v_key text := (
        SELECT string_agg(format('%I', k.name), ', ' ORDER BY k.place)
        FROM unnest(p_target.key_columns) WITH ORDINALITY AS k (name, place)
    );
BEGIN
    IF p_on_duplicate = 'create' AND v_index IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI212',
            MESSAGE = format(
                'target "%s" cannot take rows of one key twice: unique index "%s" is on (%s)',
                p_target.name, v_index, v_key
            ),
            DETAIL = 'The option {"on_duplicate": "create"} inserts every row, also one whose key '
                'is there.',
            HINT = 'Use {"on_duplicate": "skip"}, "update" or "error".';
    ELSIF p_on_duplicate IS DISTINCT FROM 'create' AND v_index IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI204',
            MESSAGE = format('target "%s" has no unique index on (%s)', p_target.name, v_key),
            DETAIL = 'A valid unique index over exactly these columns, without WHERE clause and '
                'without expressions, is the last guard against duplicates.',
            HINT = format(
                'CREATE UNIQUE INDEX ON %s (%s); or insert every row: {"on_duplicate": "create"}',
                v_relation, v_key
            );
    END IF;
END
$_require_key$;

COMMENT ON FUNCTION pgimport._require_key(pgimport.target, text) IS
'internal: refuses a job whose way with duplicates does not go with the key of its target.';
