-- Refuses a column that a table does not have, and import_job_id, which is pgimport's own.
-- Called by register_target() and set_column(). Raises PI206.
CREATE OR REPLACE FUNCTION pgimport._require_column(
    p_relation regclass,
    p_column text
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_require_column$
BEGIN
    IF p_column <> 'import_job_id' AND EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation
            AND a.attname = p_column
            AND a.attnum > 0
            AND NOT a.attisdropped
    ) THEN
        RETURN;
    END IF;

    RAISE EXCEPTION USING
        ERRCODE = 'PI206',
        MESSAGE = CASE
            WHEN p_column = 'import_job_id' THEN 'column "import_job_id" is written by pgimport'
            ELSE format('column "%s" of table "%s" does not exist', p_column, p_relation)
        END,
        DETAIL = CASE
            WHEN p_column = 'import_job_id' THEN 'It holds the job of each imported row.'
            ELSE 'Names of columns are compared as they are, capitals included.'
        END,
        HINT = (
            SELECT format('Columns: %s.', string_agg(a.attname, ', ' ORDER BY a.attnum))
            FROM pg_attribute AS a
            WHERE a.attrelid = p_relation
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attname <> 'import_job_id'
        );
END
$_require_column$;

COMMENT ON FUNCTION pgimport._require_column(regclass, text) IS
'internal: raises PI206 for a column that a table does not have.';
