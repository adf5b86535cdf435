-- Gives the columns of one staged file the names that a new mapping asks for, and takes the
-- columns away that only other files had. Called by set_mapping.
CREATE OR REPLACE FUNCTION pgimport._rename_staged(
    p_file pgimport.file,
    p_mapping jsonb
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_rename_staged$
DECLARE
    v_relation regclass := to_regclass(format('pgimport_staging.%I', p_file.staging_table));
    v_name text;
    r_field record;
BEGIN
    -- columns added when the file was attached: always null here, made again when needed
    FOR v_name IN
        SELECT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = v_relation
            AND a.attnum > 3
            AND NOT a.attisdropped
            AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(p_file.mapping) AS m
                WHERE m ->> 'staged_as' = a.attname
            )
    LOOP
        EXECUTE format(
            'ALTER TABLE pgimport_staging.%I DROP COLUMN %I', p_file.staging_table, v_name
        );
    END LOOP;

    -- by way of names that nobody has, so that two columns may change places
    FOR r_field IN
        SELECT
            1 AS step,
            o.value ->> 'staged_as' AS old_name,
            format('moving %s', o.place) AS new_name
        FROM jsonb_array_elements(p_file.mapping) WITH ORDINALITY AS o (value, place)
        UNION ALL
        SELECT 2, format('moving %s', n.place), n.value ->> 'staged_as'
        FROM jsonb_array_elements(p_mapping) WITH ORDINALITY AS n (value, place)
        ORDER BY step
    LOOP
        EXECUTE format(
            'ALTER TABLE pgimport_staging.%I RENAME COLUMN %I TO %I',
            p_file.staging_table, r_field.old_name, r_field.new_name
        );
    END LOOP;
END;
$_rename_staged$;

COMMENT ON FUNCTION pgimport._rename_staged(pgimport.file, jsonb) IS
'internal: renames the columns of a staged file after a new mapping.';

-- Takes a job's files apart again. Called by set_mapping.
CREATE OR REPLACE FUNCTION pgimport._detach_files(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_detach_files$
DECLARE
    c_parent CONSTANT text := pgimport._staging_name(p_job_id);
    v_table text;
BEGIN
    FOR v_table IN
        SELECT c.relname
        FROM pg_inherits AS i
        INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(format('pgimport_staging.%I', c_parent))
    LOOP
        EXECUTE format(
            'ALTER TABLE pgimport_staging.%I DETACH PARTITION pgimport_staging.%I',
            c_parent, v_table
        );
    END LOOP;
    PERFORM pgimport._drop_staged(c_parent);
END;
$_detach_files$;

COMMENT ON FUNCTION pgimport._detach_files(uuid) IS
'internal: detaches the staged files of a job from its partitioned table and drops that.';
