-- SQL of a value as the checksum takes it: as it is where equal values are the same value, else as
-- text. 1.0 equals 1.00, and a case-insensitive collation takes A for a: their texts differ.
-- Called wherever a checksum's columns are listed.
CREATE OR REPLACE FUNCTION pgimport._checksum_item(
    p_value text,
    p_type regtype
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_type IN (
            'boolean'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
            'oid'::regtype, 'uuid'::regtype, 'date'::regtype, 'time'::regtype,
            'timestamp'::regtype, 'timestamptz'::regtype, 'bytea'::regtype
        )
    THEN p_value
    ELSE format('(%s)::pg_catalog.text COLLATE pg_catalog."C"', p_value)
END;

COMMENT ON FUNCTION pgimport._checksum_item(text, regtype) IS
'internal: SQL of a value as the checksum of a row takes it.';

-- SQL of an order-independent checksum over rows: the sum of a 64-bit hash of each row. Equal sets
-- of rows give equal sums in any order. The hash of a row is hashed once more: by itself it is a
-- weighted sum of its values' hashes, and values that changed places between rows would cancel out.
-- p_values: SQL of the columns of a row, each by _checksum_item. Called by insert and verify.
CREATE OR REPLACE FUNCTION pgimport._checksum_sql(
    p_values text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN format(
    'coalesce(pg_catalog.sum(pg_catalog.hashint8extended('
    'pg_catalog.hash_record_extended(ROW(%s), 0), 0)), 0)::pg_catalog.text', p_values
);

COMMENT ON FUNCTION pgimport._checksum_sql(text) IS
'internal: SQL of an order-independent checksum over rows.';
