-- Says why a checked job must not be inserted although everything works: too many issues, too many
-- duplicates, or any issue at all where the job is all-or-nothing. Null when there is no reason.
-- Called by insert_job. Codes: PI402 (issues), PI403 (duplicates).
CREATE OR REPLACE FUNCTION pgimport._over_limit(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_over_limit$
DECLARE
    v_issues bigint;
    v_read bigint := p_job.total_rows;
    v_refused bigint;
    v_duplicates bigint := p_job.total_rows - p_job.clean_rows - p_job.invalid_rows;
BEGIN
    SELECT count(*) INTO v_issues FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id AND i.severity = 'error';
    SELECT coalesce(sum(f.rows_refused), 0) INTO v_refused FROM pgimport.file AS f
    WHERE f.job_id = p_job.job_id AND f.status = 'staged';
    v_read := p_job.total_rows + v_refused;

    RETURN CASE
        WHEN p_job.options ->> 'on_issue' = 'abort' AND v_issues > 0 THEN jsonb_build_object(
            'code', 'PI402',
            'message', format('%s, and the job is all-or-nothing',
                pgimport._count_of(v_issues, 'issue'))
        )
        WHEN v_issues > (p_job.options ->> 'max_issues')::numeric THEN jsonb_build_object(
            'code', 'PI402',
            'message', format('%s, at most %s are allowed',
                pgimport._count_of(v_issues, 'issue'), p_job.options ->> 'max_issues')
        )
        WHEN p_job.invalid_rows + v_refused
            > (p_job.options ->> 'max_issue_ratio')::numeric * v_read
            THEN jsonb_build_object(
                'code', 'PI402',
                'message', format('%s of %s rows have issues, more than the ratio %s',
                    p_job.invalid_rows + v_refused, v_read, p_job.options ->> 'max_issue_ratio')
            )
        WHEN v_duplicates > (p_job.options ->> 'max_duplicate_ratio')::numeric * v_read
            THEN jsonb_build_object(
                'code', 'PI403',
                'message', format('%s of %s rows are duplicates, more than the ratio %s',
                    v_duplicates, v_read, p_job.options ->> 'max_duplicate_ratio')
            )
    END;
END;
$_over_limit$;

COMMENT ON FUNCTION pgimport._over_limit(pgimport.job) IS
'internal: why the limits of a job forbid its insert, or null.';
