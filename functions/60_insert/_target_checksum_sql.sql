-- SQL of the checksum over the columns that a job wrote, as the rows of its target (alias t) hold
-- them now; null when one of the columns is gone.
-- Called by _write_rows and verify_job.
CREATE OR REPLACE FUNCTION pgimport._target_checksum_sql(
    p_relation regclass,
    p_columns text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_target_checksum_sql$
BEGIN
    RETURN (
        SELECT CASE
            WHEN bool_and(a.attname IS NOT NULL) THEN pgimport._checksum_sql(string_agg(
                pgimport._checksum_item(format('t.%I', c.name), a.atttypid), ', '
                ORDER BY c.place
            ))
            ELSE 'NULL::text'
        END
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = p_relation AND a.attname = c.name AND NOT a.attisdropped
    );
END;
$_target_checksum_sql$;

COMMENT ON FUNCTION pgimport._target_checksum_sql(regclass, text[]) IS
'internal: SQL of the checksum over the columns that a job wrote to its target.';
