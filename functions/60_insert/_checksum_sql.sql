-- SQL of an order-independent checksum over rows: the sum of a 64-bit hash of each row's text.
-- Equal sets of rows give equal sums in any order; the text is the one of pinned settings.
-- p_values: SQL of the columns of a row. Called by insert_job and verify_job.
CREATE OR REPLACE FUNCTION pgimport._checksum_sql(
    p_values text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN format(
    'coalesce(pg_catalog.sum(pg_catalog.hashtextextended(ROW(%s)::pg_catalog.text, 0)), 0)::'
    'pg_catalog.text', p_values
);

COMMENT ON FUNCTION pgimport._checksum_sql(text) IS
'internal: SQL of an order-independent checksum over rows.';
