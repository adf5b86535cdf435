-- SQL of a key as the history of rows keeps it. p_pattern: what a column of the key is in the
-- statement, %1$I its name and %2$s its place in the key.
-- key: array of texts as they are written, those of sensitive columns masked. key_hash: equal for
-- keys that the unique index takes for equal, however they are spelled; null where there is no
-- index or a type has no hash that goes with it: then history is found by the texts alone.
-- Called by _add_history, _staged_keys_sql and row_history().
CREATE OR REPLACE FUNCTION pgimport._history_key_sql(
    p_target pgimport.target,
    p_pattern text,
    OUT key text,
    OUT key_hash text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_history_key_sql$
BEGIN
    key := (
        SELECT format('ARRAY[%s]::pg_catalog.text[]', string_agg(
            pgimport._shown_key(
                p_target.target_id, k.name, format('(%s)', format(p_pattern, k.name, k.place))
            ), ', ' ORDER BY k.place
        ))
        FROM unnest(p_target.key_columns) WITH ORDINALITY AS k (name, place)
    );
    key_hash := 'NULL::bigint';
    IF p_target.options ->> 'on_duplicate' = 'create' OR pgimport._key_index(
        pgimport._target_relation(p_target), p_target.key_columns,
        p_target.options ->> 'soft_delete'
    ) IS NOT NULL THEN
        key_hash := (
            SELECT coalesce(pgimport._key_hash_sql(bool_and(k.hashable), string_agg(
                concat(
                    '(', format(p_pattern, k.column_name, k.key_position), ')',
                    '::' || k.compare_type, ' COLLATE ' || k.collation_name
                ), ', ' ORDER BY k.key_position
            )), 'NULL::bigint')
            FROM pgimport._key_columns(p_target.target_id) AS k
        );
    END IF;
END;
$_history_key_sql$;

COMMENT ON FUNCTION pgimport._history_key_sql(pgimport.target, text) IS
'internal: SQL of a key, and of its hash, as the history of rows keeps it.';
