-- Frees the staged rows of all jobs of a target, or of those of one tenant.
-- Called by users. Raises PI001, PI201.
CREATE OR REPLACE FUNCTION pgimport.clear_target_staging(
    p_target text,
    p_tenant text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $clear_target_staging$
DECLARE
    v_target pgimport.target := pgimport._find_target(p_target);
    v_job_id uuid;
    v_cleared bigint := 0;
    v_jobs jsonb := '[]'::jsonb;
    v_remaining bigint;
BEGIN
    FOR v_job_id IN
        SELECT j.job_id FROM pgimport.job AS j
        WHERE j.target_id = v_target.target_id
            AND (p_tenant IS NULL OR j.tenant = p_tenant)
            AND j.status NOT IN ('inserting', 'queued')
            AND EXISTS (
                SELECT FROM pgimport.file AS f
                WHERE f.job_id = j.job_id AND f.status IN ('open', 'staged')
            )
        ORDER BY j.job_id
    LOOP
        v_cleared := v_cleared
            + (pgimport.clear_staging(v_job_id) ->> 'cleared_rows')::bigint;
        v_jobs := v_jobs || to_jsonb(v_job_id);
    END LOOP;

    SELECT coalesce(sum(f.rows_staged), 0) INTO v_remaining
    FROM pgimport.file AS f
    INNER JOIN pgimport.job AS j ON j.job_id = f.job_id
    WHERE j.target_id = v_target.target_id AND f.status = 'staged';

    RETURN pgimport._target_envelope(
        v_target,
        format('%s of %s cleared', pgimport._count_of(v_cleared, 'staged row'),
            pgimport._count_of(jsonb_array_length(v_jobs), 'job')),
        jsonb_build_object(
            'cleared_rows', v_cleared, 'remaining_rows', v_remaining, 'jobs', v_jobs
        )
    );
END;
$clear_target_staging$;

COMMENT ON FUNCTION pgimport.clear_target_staging(text, text) IS
'Frees the staged rows of all jobs of a target, or of one tenant''s, and returns cleared_rows and '
'remaining_rows. Example: select pgimport.clear_target_staging(''codes'', ''a-tenant'')';
