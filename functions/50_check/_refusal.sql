-- Whether the limits of a checked job allow its insert, as keys of an answer: would_insert and
-- would_update (rows; of these some may turn out to be as the file says already) and
-- refused_because, null or {code, message}. Called by check_job, preview_job, rehearse_job and the
-- dry run.
CREATE OR REPLACE FUNCTION pgimport._refusal(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refusal$
DECLARE
    v_limit jsonb := pgimport._over_limit(p_job);
BEGIN
    RETURN jsonb_build_object(
        'would_insert', CASE WHEN v_limit IS NULL THEN p_job.clean_rows ELSE 0 END,
        'would_update', CASE WHEN v_limit IS NULL
            THEN (pgimport._class_counts(p_job) -> 'update')::bigint ELSE 0 END,
        'refused_because', v_limit
    );
END;
$_refusal$;

COMMENT ON FUNCTION pgimport._refusal(pgimport.job) IS
'internal: what the limits of a job allow to be inserted, and why not.';
