-- Refuses a checkpoint that cannot be one, or that somebody notes who must not any more.
-- Called by checkpoint_file. Raises PI003, PI309.
CREATE OR REPLACE FUNCTION pgimport._check_checkpoint(
    p_file pgimport.file,
    p_rows_parsed bigint,
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_checkpoint$
BEGIN
    IF p_options ->> 'sha256' !~ '^[0-9a-f]{64}$'
        OR p_options ->> 'bytes' !~ '^[0-9]{1,18}$'
        OR p_options ->> 'line_offset' !~ '^[0-9]{1,18}$'
        OR p_options ->> 'rows_refused' !~ '^[0-9]{1,18}$'
        OR p_options ->> 'fence' !~ '^[0-9]{1,18}$'
        OR jsonb_typeof(p_options -> 'state') <> 'object'
        OR octet_length((p_options -> 'state')::text) > 10000
        OR p_rows_parsed < 0
        OR (p_rows_parsed IS NOT NULL AND p_options ->> 'bytes' IS NULL)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'a checkpoint needs rows and bytes, whole and not negative; sha256 is 64 '
                'lower-case hexadecimal digits, state an object of at most 10,000 bytes',
            DETAIL = format('rows parsed: %s; options: %s',
                coalesce(p_rows_parsed::text, 'null'), left(p_options::text, 200)),
            HINT = 'for example: select pgimport.checkpoint_file(job_id, 1, 250000, '
                '''{"bytes": 67108864}'');';
    END IF;

    PERFORM pgimport._check_fence(p_file, p_options);

    IF p_rows_parsed < p_file.checkpoint_rows
        OR (p_options ->> 'bytes')::bigint < p_file.checkpoint_bytes
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI309',
            MESSAGE = format('the checkpoint of file "%s" cannot go back', p_file.file_name),
            DETAIL = format('noted: %s after %s bytes; given: %s after %s bytes',
                pgimport._count_of(p_file.checkpoint_rows, 'row'), p_file.checkpoint_bytes,
                pgimport._count_of(p_rows_parsed, 'row'), p_options ->> 'bytes'),
            HINT = format(
                'go on where it is: select pgimport.stage_file(%L, %L, …, '
                '''{"file_no": %s, "resume": true}'');',
                p_file.job_id, p_file.file_name, p_file.file_no
            );
    END IF;
END;
$_check_checkpoint$;

COMMENT ON FUNCTION pgimport._check_checkpoint(pgimport.file, bigint, jsonb) IS
'internal: checks the position and the options of a checkpoint.';

-- Proves that just the rows that were parsed are staged, numbered without a gap. This transaction
-- was the only one to number rows since it held the file, so the number it gave last tells it
-- without a look at the rows; where that is not known they are counted.
-- Called by checkpoint_file. Raises PI303.
CREATE OR REPLACE FUNCTION pgimport._prove_rows(
    p_file pgimport.file,
    p_rows_parsed bigint
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_prove_rows$
DECLARE
    v_rows bigint;
    v_last bigint;
BEGIN
    BEGIN
        v_last := currval(pgimport._row_numbers(p_file));
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        v_last := NULL;
    END;
    IF v_last = p_rows_parsed AND p_rows_parsed > 0 THEN
        RETURN;
    END IF;

    EXECUTE format(
        'SELECT count(*), coalesce(max(row_no), 0) FROM pgimport_staging.%I', p_file.staging_table
    ) INTO v_rows, v_last;
    IF (v_rows, v_last) <> (p_rows_parsed, p_rows_parsed) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI303',
            MESSAGE = format('file "%s": %s parsed, but %s staged',
                p_file.file_name, pgimport._count_of(p_rows_parsed, 'row'),
                pgimport._count_of(v_rows, 'row')),
            DETAIL = format('the last row is number %s; before PostgreSQL 18 a line that is only '
                '"\." ends COPY, psql cuts at NUL, and a COPY that fails leaves a gap', v_last),
            HINT = format(
                'go on where the last checkpoint is: select pgimport.stage_file(%L, %L, …, '
                '''{"file_no": %s, "resume": true}'');',
                p_file.job_id, p_file.file_name, p_file.file_no
            );
    END IF;
END;
$_prove_rows$;

COMMENT ON FUNCTION pgimport._prove_rows(pgimport.file, bigint) IS
'internal: proves that just the rows parsed are staged, numbered without a gap.';

-- Notes how far an open file is loaded. What was copied and this call commit together: after a
-- crash the file is gone on with from here (stage_file with the option resume), not from its start.
-- With p_rows_parsed null nothing is noted: the file is held for this transaction, so that nobody
-- else loads it meanwhile, and its rows are numbered on from the last checkpoint. A reader begins
-- each of its transactions so.
-- Called by the client, as often as it likes.
-- Raises PI001, PI002, PI003, PI101, PI102, PI301, PI302, PI303, PI309, PI602.
CREATE OR REPLACE FUNCTION pgimport.checkpoint_file(
    p_job_id uuid,
    p_file_no integer,
    p_rows_parsed bigint DEFAULT NULL,
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $checkpoint_file$
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_job pgimport.job := pgimport._lock_job(p_job_id, p_share => true);
    v_file pgimport.file;
BEGIN
    PERFORM pgimport._require_keys(
        v_options, '{bytes,sha256,line_offset,rows_refused,state,fence}',
        'p_options of checkpoint_file'
    );
    PERFORM pgimport._require_status(v_job, '{pending,staging}', 'given rows');
    PERFORM pgimport._refuse_foreign_staging(v_job);
    v_file := pgimport._lock_file(p_job_id, p_file_no, '{open}');
    PERFORM pgimport._check_checkpoint(v_file, p_rows_parsed, v_options);

    IF p_rows_parsed IS NULL THEN
        IF v_file.checkpoint_rows IS NULL AND pgimport._has_rows(v_file.staging_table) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI309',
                MESSAGE = format('file "%s" has rows already, and no checkpoint',
                    v_file.file_name),
                DETAIL = format('they are in "%s"', v_file.staging_table),
                HINT = format(
                    'close it with finish_file(), or stage it from the start: '
                    'select pgimport.stage_file(%L, %L, …, ''{"file_no": %s}'');',
                    p_job_id, v_file.file_name, p_file_no
                );
        END IF;
        PERFORM setval(
            pgimport._row_numbers(v_file), greatest(v_file.checkpoint_rows, 1),
            coalesce(v_file.checkpoint_rows, 0) > 0
        );
    ELSE
        PERFORM pgimport._prove_rows(v_file, p_rows_parsed);
        UPDATE pgimport.file
        SET checkpoint_rows = p_rows_parsed,
            checkpoint_bytes = (v_options ->> 'bytes')::bigint,
            checkpoint_sha256 = v_options ->> 'sha256',
            checkpoint_state = coalesce(v_options -> 'state', '{}'),
            checkpoint_at = clock_timestamp(),
            rows_refused = coalesce((v_options ->> 'rows_refused')::bigint, rows_refused),
            line_offset = coalesce((v_options ->> 'line_offset')::bigint, line_offset)
        WHERE job_id = p_job_id AND file_no = p_file_no
        RETURNING * INTO v_file;
    END IF;

    RETURN pgimport._envelope(
        v_job,
        format('file %s is loaded up to %s', p_file_no,
            pgimport._count_of(v_file.checkpoint_rows, 'row')),
        jsonb_build_object(
            'file_no', p_file_no,
            'fence', v_file.fence,
            'checkpoint', pgimport._checkpoint(v_file)
        )
    );
END;
$checkpoint_file$;

COMMENT ON FUNCTION pgimport.checkpoint_file(uuid, integer, bigint, jsonb) IS
'Notes how far an open file is loaded, so that it can be gone on with after a crash; with '
'p_rows_parsed null it only holds the file for this transaction. Options: bytes (of the file, read '
'so far), sha256 (of these bytes), state (the reader''s own), rows_refused, line_offset, fence. '
'Keys: file_no, fence, checkpoint. '
'Example: select pgimport.checkpoint_file(:''job'', 1, 250000, ''{"bytes": 67108864}'')';
