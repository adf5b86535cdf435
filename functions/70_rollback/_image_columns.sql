-- The columns that a job updated: place n in its before-images, the name, and as a checksum takes
-- them: what is there now (row t), what the job wrote and what was there before (image i). A column
-- that is gone is left out.
-- Called by _rollback_scope, _restore_rows and _taken_values.
CREATE OR REPLACE FUNCTION pgimport._image_columns(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS TABLE (
    place bigint,
    name text,
    now_sql text,
    written_sql text,
    before_sql text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_image_columns$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        u.place,
        u.name,
        pgimport._checksum_item(format('t.%I', u.name), a.atttypid),
        pgimport._checksum_item(format('i.n%s', u.place), a.atttypid),
        pgimport._checksum_item(format('i.o%s', u.place), a.atttypid)
    FROM unnest(p_job.updated_columns) WITH ORDINALITY AS u (name, place)
    INNER JOIN pg_attribute AS a
        ON a.attrelid = p_relation AND a.attname = u.name AND NOT a.attisdropped
    ORDER BY u.place;
END;
$_image_columns$;

COMMENT ON FUNCTION pgimport._image_columns(pgimport.job, regclass) IS
'internal: the columns that a job updated, in the target and in its before-images.';
