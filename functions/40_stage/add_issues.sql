-- Records problems of records that could not be staged (ragged, badly encoded …): the reader of
-- the file found them, the job keeps them. An issue may bring its message and hint in English;
-- where another language is set, or where it brings none, they are written from code and detail.
-- Called by the client, as often as needed, before finish_file.
-- Raises PI001, PI003, PI101, PI102, PI301, PI302.
CREATE OR REPLACE FUNCTION pgimport.add_issues(
    p_job_id uuid,
    p_file_no integer,
    p_issues jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $add_issues$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id, p_share => true);
    v_french boolean := coalesce(current_setting('pgimport.language', true), '') ILIKE 'fr%';
    v_issue jsonb;
    v_added bigint;
BEGIN
    PERFORM pgimport._require_status(v_job, '{staging,staged,pending}', 'given issues');
    PERFORM pgimport._lock_file(p_job_id, p_file_no, '{open}');

    IF jsonb_typeof(p_issues) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'issues must be an array of objects',
            HINT = '[{"line_no": 7, "code": "ragged_row", "value": "a,b", "message": "…"}]';
    END IF;
    FOR v_issue IN SELECT i.value FROM jsonb_array_elements(p_issues) AS i LOOP
        PERFORM pgimport._require_keys(
            v_issue, '{line_no,column_name,code,severity,message,detail,value,hint}', 'an issue'
        );
        IF coalesce(v_issue ->> 'code', '') = ''
            OR v_issue ->> 'severity' NOT IN ('error', 'warning')
            OR v_issue ->> 'line_no' !~ '^[0-9]{1,18}$'
            OR EXISTS (
                SELECT FROM jsonb_each(v_issue) AS k
                WHERE k.key <> 'line_no' AND jsonb_typeof(k.value) NOT IN ('string', 'null')
            )
        THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = 'an issue needs a code, a whole line_no or none, texts for the rest',
                DETAIL = format('It was: %s', left(v_issue::text, 200)),
                HINT = '[{"line_no": 7, "code": "ragged_row", "value": "a,b", "message": "…"}]';
        END IF;
    END LOOP;

    INSERT INTO pgimport.issue (
        job_id, file_no, line_no, column_name, code, severity, message, value, hint, found_by
    )
    SELECT
        p_job_id,
        p_file_no,
        i.line_no,
        i.column_name,
        i.code,
        coalesce(i.severity, 'error'),
        CASE
            WHEN v_french OR i.message IS NULL
                THEN pgimport._issue_message(i.code, i.value, i.detail)
            ELSE i.message
        END,
        i.value,
        CASE WHEN v_french OR i.hint IS NULL THEN pgimport._issue_hint(i.code) ELSE i.hint END,
        'read'
    FROM jsonb_to_recordset(p_issues) AS i (
        line_no bigint, column_name text, code text, severity text, message text, value text,
        hint text, detail text
    );
    GET DIAGNOSTICS v_added = ROW_COUNT;

    RETURN pgimport._envelope(
        v_job,
        format('%s of file %s recorded', pgimport._count_of(v_added, 'issue'), p_file_no),
        jsonb_build_object('file_no', p_file_no, 'issues_added', v_added)
    );
END;
$add_issues$;

COMMENT ON FUNCTION pgimport.add_issues(uuid, integer, jsonb) IS
'Records problems that the reader of an open file found in records it could not stage. '
'Example: select pgimport.add_issues(:''job'', 1, ''[{"line_no": 7, "code": "ragged_row"}]'')';
