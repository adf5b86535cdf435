-- The staged rows that tokens of a job's reports stand for. Called by _rollback_filter.
-- Raises PI508.
CREATE OR REPLACE FUNCTION pgimport._token_rows(
    p_job pgimport.job,
    p_tokens jsonb,
    OUT file_nos integer[],
    OUT row_nos bigint[]
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_token_rows$
DECLARE
    v_wrong text;
BEGIN
    SELECT
        array_agg(q.file_no ORDER BY q.file_no, q.row_no),
        array_agg(q.row_no ORDER BY q.file_no, q.row_no),
        min(q.token) FILTER (WHERE q.file_no IS NULL)
    INTO file_nos, row_nos, v_wrong
    FROM (
        SELECT k.token, f.file_no, k.row_no
        FROM (
            SELECT
                t.token,
                CASE WHEN t.is_token THEN split_part(t.token, '-', 1)::integer END AS file_no,
                CASE WHEN t.is_token THEN split_part(t.token, '-', 2)::bigint END AS row_no
            FROM (
                SELECT
                    lower(btrim(e.value)) AS token,
                    lower(btrim(e.value)) ~ '^[0-9]{1,9}-[0-9]{1,18}-[0-9a-f]{8}$' AS is_token
                FROM jsonb_array_elements_text(p_tokens) AS e (value)
            ) AS t
        ) AS k
        LEFT JOIN pgimport.file AS f
            ON f.job_id = p_job.job_id
                AND f.file_no = k.file_no
                AND pgimport._row_token(f.token_seed, k.file_no, k.row_no) = k.token
    ) AS q;

    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI508',
            MESSAGE = format('"%s" is no token of a row of job "%s"',
                left(v_wrong, 100), p_job.job_id),
            DETAIL = 'a token is such as 1-3500-9f2c6a1b; nothing was changed',
            HINT = format('the reports hold them: select pgimport.report_copy_sql(%L, ''all'');',
                p_job.job_id);
    END IF;
END;
$_token_rows$;

COMMENT ON FUNCTION pgimport._token_rows(pgimport.job, jsonb) IS
'internal: the staged rows that tokens of a job''s reports stand for.';
