-- Closes a file: rows parsed must equal rows staged. With {"failed": "why"} the file is given up:
-- its rows are dropped, the other files and the job go on.
-- Called by users and the client; the same call again answers the same.
-- Raises PI001, PI002, PI003, PI101, PI102, PI301, PI302, PI303, PI309, PI606.
CREATE OR REPLACE FUNCTION pgimport.finish_file(
    p_job_id uuid,
    p_file_no integer,
    p_rows_parsed bigint,
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $finish_file$
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_job pgimport.job := pgimport._lock_job(p_job_id, p_share => true);
    v_file pgimport.file;
    v_rows bigint := 0;
    v_failed text := v_options ->> 'failed';
BEGIN
    PERFORM pgimport._require_keys(
        v_options, '{rows_refused,line_offset,sha256,bytes,failed,more,fence}',
        'p_options of finish_file'
    );
    IF v_options ->> 'sha256' !~ '^[0-9a-f]{64}$'
        OR v_options ->> 'bytes' !~ '^[0-9]{1,18}$'
        OR v_options ->> 'line_offset' !~ '^[0-9]{1,18}$'
        OR v_options ->> 'rows_refused' !~ '^[0-9]{1,18}$'
        OR v_options ->> 'fence' !~ '^[0-9]{1,18}$'
        OR jsonb_typeof(v_options -> 'more') <> 'boolean'
        OR p_rows_parsed < 0
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'numbers of a file must be whole and not negative, sha256 64 lower-case '
                'hexadecimal digits, more true or false',
            DETAIL = format('rows parsed: %s; options: %s',
                coalesce(p_rows_parsed::text, 'null'), left(v_options::text, 200)),
            HINT = 'for example: select pgimport.finish_file(job_id, 1, 250000);';
    ELSIF p_rows_parsed IS NULL AND v_failed IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'rows parsed are not given: "p_rows_parsed" is null',
            HINT = 'count the records of the file, header and blank lines not included';
    END IF;

    v_file := pgimport._lock_file(p_job_id, p_file_no, '{open,staged,failed}');
    PERFORM pgimport._check_fence(v_file, v_options);

    IF v_failed IS NOT NULL THEN
        PERFORM pgimport._require_status(v_job, '{pending,staging,staged}', 'given a failed file');
        PERFORM pgimport._drop_staging(p_job_id, p_file_no);
        UPDATE pgimport.file
        SET status = 'failed', error_message = v_failed, rows_staged = NULL,
            finished_at = clock_timestamp()
        WHERE job_id = p_job_id AND file_no = p_file_no;
        PERFORM pgimport._log_event(p_job_id, 'file_failed', jsonb_build_object(
            'file_no', p_file_no, 'file_name', v_file.file_name, 'message', v_failed
        ));
    ELSIF v_file.status = 'staged' AND v_file.rows_staged = p_rows_parsed THEN
        v_rows := v_file.rows_staged;
    ELSE
        v_file := pgimport._lock_file(p_job_id, p_file_no, '{open}');
        v_rows := pgimport._close_file(v_file, p_rows_parsed, v_options);
        PERFORM pgimport._refuse_staged_bytes(v_job);
    END IF;

    -- the last file closed makes the job staged, unless the caller opens more; if two sessions
    -- close the last two at once, the check does it
    PERFORM FROM pgimport.job AS j
    WHERE j.job_id = p_job_id
        AND NOT coalesce((v_options ->> 'more')::boolean, false)
        AND j.status = 'staging'
        AND NOT EXISTS (
            SELECT FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.status = 'open'
        )
        AND EXISTS (
            SELECT FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.status = 'staged'
        )
    FOR NO KEY UPDATE SKIP LOCKED;
    IF found THEN
        UPDATE pgimport.job SET status = 'staged', staged_at = clock_timestamp()
        WHERE job_id = p_job_id;
    END IF;

    RETURN pgimport._envelope(
        pgimport._read_job(p_job_id),
        CASE
            WHEN v_failed IS NULL
                THEN format('file %s is staged: %s', p_file_no, pgimport._count_of(v_rows, 'row'))
            ELSE format('file %s failed and is left out: %s', p_file_no, v_failed)
        END,
        jsonb_build_object('file_no', p_file_no, 'rows_staged', v_rows)
    );
END;
$finish_file$;

COMMENT ON FUNCTION pgimport.finish_file(uuid, integer, bigint, jsonb) IS
'Closes a file; rows parsed must equal rows staged. Options: rows_refused, line_offset, sha256, '
'bytes, failed (a message: the file is given up and its rows are dropped), more (true: other '
'files follow, the job is not staged yet), fence (of stage_file: refused if somebody else opened '
'the file since). '
'Example: select pgimport.finish_file(:''job'', 1, 250000)';
