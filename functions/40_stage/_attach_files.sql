-- Attaches the staging tables of a job's files to one table, partitioned by file. Files with other
-- headers have other columns: all get the union of them, null where a file has no such field.
-- Called by _seal_staging with the job locked.
CREATE OR REPLACE FUNCTION pgimport._attach_files(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_attach_files$
DECLARE
    c_parent CONSTANT text := pgimport._staging_name(p_job_id);
    v_parent regclass := to_regclass(format('pgimport_staging.%I', c_parent));
    v_columns text[];
    v_missing text;
    r_file record;
BEGIN
    SELECT array_agg(DISTINCT m ->> 'staged_as' ORDER BY m ->> 'staged_as') INTO v_columns
    FROM pgimport.file AS f
    CROSS JOIN LATERAL jsonb_array_elements(f.mapping) AS m
    WHERE f.job_id = p_job_id AND f.status = 'staged';

    IF v_parent IS NULL THEN
        EXECUTE format(
            'CREATE TABLE pgimport_staging.%I (file_no integer NOT NULL, row_no bigint NOT NULL, '
            'line_no bigint) PARTITION BY LIST (file_no)', c_parent
        );
        v_parent := to_regclass(format('pgimport_staging.%I', c_parent));
    END IF;

    -- on the parent this reaches the files attached already
    v_missing := pgimport._missing_columns(v_parent, v_columns);
    IF v_missing IS NOT NULL THEN
        EXECUTE format('ALTER TABLE pgimport_staging.%I %s', c_parent, v_missing);
    END IF;

    -- a file staged anew may lack columns that only a dropped file had
    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO v_columns
    FROM pg_attribute AS a
    WHERE a.attrelid = v_parent AND a.attnum > 3 AND NOT a.attisdropped;

    FOR r_file IN
        SELECT f.file_no, f.staging_table, c.oid AS relation
        FROM pgimport.file AS f
        INNER JOIN pg_class AS c
            ON c.oid = to_regclass(format('pgimport_staging.%I', f.staging_table))
        WHERE f.job_id = p_job_id AND f.status = 'staged' AND NOT c.relispartition
        ORDER BY f.file_no
    LOOP
        v_missing := pgimport._missing_columns(r_file.relation, v_columns);
        IF v_missing IS NOT NULL THEN
            EXECUTE format('ALTER TABLE pgimport_staging.%I %s', r_file.staging_table, v_missing);
        END IF;
        EXECUTE format(
            'ALTER TABLE pgimport_staging.%I ATTACH PARTITION pgimport_staging.%I '
            'FOR VALUES IN (%s)',
            c_parent, r_file.staging_table, r_file.file_no
        );
    END LOOP;
    PERFORM pgimport._give_staging(p_job_id);
END;
$_attach_files$;

COMMENT ON FUNCTION pgimport._attach_files(uuid) IS
'internal: attaches the staged files of a job to its partitioned table.';
