-- The keys that check_job, validate_job and mark_duplicates have in common.
-- Called by them. errors[] is one element a code and column, the most frequent first.
CREATE OR REPLACE FUNCTION pgimport._check_keys(
    p_job pgimport.job,
    p_new_database_duplicates bigint DEFAULT 0
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_keys$
DECLARE
    v_errors jsonb;
    v_count bigint;
BEGIN
    SELECT
        coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.count DESC, g.code, g."column"), '[]'),
        coalesce(sum(g.count), 0)
    INTO v_errors, v_count
    FROM (
        SELECT
            i.code,
            i.column_name AS "column",
            count(*) AS count,
            (array_agg(left(i.value, 200) ORDER BY i.issue_id))[1] AS sample
        FROM pgimport.issue AS i
        WHERE i.job_id = p_job.job_id AND i.severity = 'error'
        GROUP BY i.code, i.column_name
    ) AS g;

    RETURN jsonb_build_object(
        'valid', v_count = 0,
        'total_rows', p_job.total_rows,
        'total_clean', p_job.clean_rows,
        'clean_count', p_job.clean_rows,
        'invalid_rows', p_job.invalid_rows,
        'internal_duplicates', p_job.internal_duplicates,
        'database_duplicates', p_job.database_duplicates,
        'both_duplicates', p_job.both_duplicates,
        'new_database_duplicates', p_new_database_duplicates,
        'validation_errors', v_count,
        'errors', v_errors
    );
END;
$_check_keys$;

COMMENT ON FUNCTION pgimport._check_keys(pgimport.job, bigint) IS
'internal: the keys of check_job, validate_job and mark_duplicates.';

-- What a step answers when the staged rows are gone. Called by every step that reads them.
CREATE OR REPLACE FUNCTION pgimport._lost_envelope(
    p_job pgimport.job,
    p_own jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_lost_envelope$
BEGIN
    RETURN pgimport._envelope(
        p_job,
        format('the staged rows of job %s are lost: the server crashed since', p_job.job_id),
        p_own || jsonb_build_object(
            'code', 'PI306',
            'hint', 'stage its files again with pgimport.stage_file() and the option "file_no"; '
                'a job made with {"durable": true} survives a crash'
        ),
        '[]', '{}', false
    );
END;
$_lost_envelope$;

COMMENT ON FUNCTION pgimport._lost_envelope(pgimport.job, jsonb) IS
'internal: the answer of a step that finds the staged rows lost.';
