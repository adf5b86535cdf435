-- Writes the ADD COLUMN clauses for the text columns that a staging table lacks; null for none.
-- Called by _attach_files.
CREATE OR REPLACE FUNCTION pgimport._missing_columns(
    p_relation regclass,
    p_columns text[]
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_missing_columns$
BEGIN
    RETURN (
        SELECT string_agg(format('ADD COLUMN %I text', w.name), ', ' ORDER BY w.place)
        FROM unnest(p_columns) WITH ORDINALITY AS w (name, place)
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p_relation AND a.attname = w.name AND NOT a.attisdropped
        )
    );
END;
$_missing_columns$;

COMMENT ON FUNCTION pgimport._missing_columns(regclass, text[]) IS
'internal: ADD COLUMN clauses for the columns that a staging table lacks.';
