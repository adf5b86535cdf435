-- Says why a checked job must not be inserted although everything works: too many issues, too many
-- duplicates, or any at all where the job is all-or-nothing; rows that a living job has written
-- already, where nothing else would keep them from being written twice. Null when there is no
-- reason, else {code, message}.
-- Called by insert_job and _refusal. Codes: PI402 (issues), PI403 (duplicates), PI405 (duplicates
-- where on_duplicate is error), PI406 (same content, where it is create).
CREATE OR REPLACE FUNCTION pgimport._over_limit(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_over_limit$
DECLARE
    c_way CONSTANT text := coalesce(p_job.options ->> 'on_duplicate', 'skip');
    v_issues bigint;
    v_read bigint := p_job.total_rows;
    v_refused bigint;
    -- a row that updates one of the target is no duplicate too many
    v_duplicates bigint := CASE c_way WHEN 'update' THEN p_job.internal_duplicates
        ELSE p_job.total_rows - p_job.clean_rows - p_job.invalid_rows END;
    r_same record;
BEGIN
    SELECT count(*) INTO v_issues FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id AND i.severity = 'error';
    SELECT coalesce(sum(f.rows_refused), 0) INTO v_refused FROM pgimport.file AS f
    WHERE f.job_id = p_job.job_id AND f.status = 'staged';
    v_read := p_job.total_rows + v_refused;
    -- of a job that has been open for long, retention may have removed the issues
    v_issues := greatest(v_issues, p_job.invalid_rows + v_refused);
    SELECT s.* INTO STRICT r_same FROM pgimport._same_content(p_job) AS s;

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
        WHEN c_way = 'error' AND v_duplicates > 0 THEN jsonb_build_object(
            'code', 'PI405',
            'message', format('%s, and any refuses the job (on_duplicate error)',
                pgimport._count_of(v_duplicates, 'duplicate'))
        )
        WHEN v_duplicates > (p_job.options ->> 'max_duplicate_ratio')::numeric * v_read
            THEN jsonb_build_object(
                'code', 'PI403',
                'message', format('%s of %s rows are duplicates, more than the ratio %s',
                    v_duplicates, v_read, p_job.options ->> 'max_duplicate_ratio')
            )
        WHEN c_way = 'create' AND r_same.job_id IS NOT NULL
            AND NOT coalesce((p_job.options ->> 'force')::boolean, false)
            THEN jsonb_build_object(
                'code', 'PI406',
                'message', format('the same rows were imported by job %s', r_same.job_id)
            )
    END;
END;
$_over_limit$;

COMMENT ON FUNCTION pgimport._over_limit(pgimport.job) IS
'internal: why the limits of a job forbid its insert, or null.';

-- What to do next about a job that its limits refuse, by the code of _over_limit. Called by
-- insert_job.
CREATE OR REPLACE FUNCTION pgimport._limit_hint(
    p_job pgimport.job,
    p_code text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_limit_hint$
BEGIN
    RETURN CASE
        WHEN p_code = 'PI406' THEN format(
            'roll that job back: select pgimport.rollback_job(%L); or, if the rows are to be '
            'there twice, make the job with {"force": true}',
            (SELECT s.job_id FROM pgimport._same_content(p_job) AS s)
        )
        ELSE format(
            'see them with: select * from pgimport.%s(%L); '
            'then correct the file or start a job with other limits',
            CASE WHEN p_code = 'PI402' THEN 'issue_report' ELSE 'duplicate_report' END, p_job.job_id
        )
    END;
END;
$_limit_hint$;

COMMENT ON FUNCTION pgimport._limit_hint(pgimport.job, text) IS
'internal: what to do next about a job that its limits refuse.';
