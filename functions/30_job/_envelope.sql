-- The object every act on a job answers with: all documented keys are always there.
-- Called by every public function that acts on a job. p_own: the function's own top-level keys;
-- with p_success false it also holds code and hint. Raises nothing.
CREATE OR REPLACE FUNCTION pgimport._envelope(
    p_job pgimport.job,
    p_message text,
    p_own jsonb DEFAULT '{}',
    p_warnings jsonb DEFAULT '[]',
    p_details jsonb DEFAULT '{}',
    p_success boolean DEFAULT true
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_envelope$
DECLARE
    v_target text;
    v_files bigint;
    v_envelope jsonb;
BEGIN
    SELECT format('%I.%I', t.schema_name, t.table_name)
    INTO v_target
    FROM pgimport.target AS t
    WHERE t.target_id = p_job.target_id;

    SELECT count(*)
    INTO v_files
    FROM pgimport.file AS f
    WHERE f.job_id = p_job.job_id;

    v_envelope := jsonb_build_object(
        'success', coalesce(p_success, true),
        'job_id', p_job.job_id,
        'status', p_job.status,
        'target', v_target,
        'counts', jsonb_build_object(
            'files', v_files,
            'total_rows', p_job.total_rows,
            'invalid_rows', p_job.invalid_rows,
            'internal_duplicates', p_job.internal_duplicates,
            'database_duplicates', p_job.database_duplicates,
            'both_duplicates', p_job.both_duplicates,
            'clean_rows', p_job.clean_rows,
            'rows_inserted', p_job.rows_inserted,
            'rows_updated', p_job.rows_updated,
            'rows_unchanged', p_job.rows_unchanged,
            'rows_skipped', p_job.rows_skipped,
            'rows_rejected', p_job.rows_rejected,
            'rows_deleted', p_job.rows_deleted,
            'rows_restored', p_job.rows_restored,
            'rows_kept', p_job.rows_kept
        ),
        'message', p_message,
        'warnings', coalesce(p_warnings, '[]'::jsonb),
        'details', coalesce(p_details, '{}'::jsonb)
    );
    IF NOT coalesce(p_success, true) THEN
        v_envelope := v_envelope || '{"code": null, "hint": null}'::jsonb;
    END IF;
    RETURN v_envelope || coalesce(p_own, '{}'::jsonb);
END
$_envelope$;

COMMENT ON FUNCTION pgimport._envelope(pgimport.job, text, jsonb, jsonb, jsonb, boolean) IS
'internal: the JSONB object that every act on a job returns.';
