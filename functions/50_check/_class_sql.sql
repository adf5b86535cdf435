-- SQL of what becomes of a staged row, by its marks (alias m: invalid, internal, database, each
-- true where it is so): insert, update, skip or invalid. A row of the target is updated only where
-- the job wants that, and never by a row that repeats another one of the files.
-- Called by preview_job, row_report and _create_rows_view.
CREATE OR REPLACE FUNCTION pgimport._class_sql(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_class_sql$
BEGIN
    RETURN format(
        'CASE WHEN m.invalid THEN ''invalid'' WHEN m.internal THEN ''skip'' '
        'WHEN m.database THEN %L ELSE ''insert'' END',
        CASE p_job.options ->> 'on_duplicate' WHEN 'update' THEN 'update' ELSE 'skip' END
    );
END;
$_class_sql$;

COMMENT ON FUNCTION pgimport._class_sql(pgimport.job) IS
'internal: SQL of the class of a staged row: insert, update, skip or invalid.';

-- The rows of a checked job by class. Called by preview_job and rehearse_job.
CREATE OR REPLACE FUNCTION pgimport._class_counts(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_class_counts$
DECLARE
    v_updated bigint := CASE WHEN p_job.options ->> 'on_duplicate' = 'update'
        THEN p_job.database_duplicates - p_job.both_duplicates ELSE 0 END;
BEGIN
    RETURN jsonb_build_object(
        'insert', p_job.clean_rows,
        'update', v_updated,
        'skip', p_job.total_rows - p_job.invalid_rows - p_job.clean_rows - v_updated,
        'invalid', p_job.invalid_rows
    );
END;
$_class_counts$;

COMMENT ON FUNCTION pgimport._class_counts(pgimport.job) IS
'internal: how many rows of a checked job are of each class.';
