-- Why a file cannot be gone on with where its last checkpoint is; null where it can.
-- Called by _resume_file.
CREATE OR REPLACE FUNCTION pgimport._resume_refusal(
    p_file pgimport.file,
    p_opened pgimport.file
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_resume_refusal$
BEGIN
    RETURN CASE
        WHEN p_file.status NOT IN ('open', 'staged') THEN 'it was ' || p_file.status
        WHEN p_file.sha256 <> p_opened.sha256 THEN 'its bytes are others than before'
        WHEN p_file.status = 'staged' THEN NULL
        WHEN p_file.checkpoint_rows IS NULL THEN 'it has no checkpoint'
        WHEN p_file.header <> p_opened.header THEN 'its header is another one than before'
        WHEN (p_file.delimiter, p_file.encoding, coalesce(p_file.sheet, ''))
            <> (p_opened.delimiter, p_opened.encoding, coalesce(p_opened.sheet, ''))
            THEN 'it is to be read in another way than before'
        WHEN (
            SELECT array_agg(m ->> 'staged_as' ORDER BY (m -> 'position')::integer)
            FROM jsonb_array_elements(p_file.mapping) AS m
        ) <> (
            SELECT array_agg(m ->> 'staged_as' ORDER BY (m -> 'position')::integer)
            FROM jsonb_array_elements(p_opened.mapping) AS m
        ) THEN 'its fields go to other columns than before'
    END;
END;
$_resume_refusal$;

COMMENT ON FUNCTION pgimport._resume_refusal(pgimport.file, pgimport.file) IS
'internal: why a file cannot be gone on with at its checkpoint.';

-- Notes that the staged rows of a job's file are gone, once: the job has lost its staging. As one
-- that is being staged again it takes the next file at once.
-- Called by _resume_file. The caller moves the job on to staging.
CREATE OR REPLACE FUNCTION pgimport._lose_staging(
    p_file pgimport.file
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_lose_staging$
BEGIN
    PERFORM FROM pgimport.job AS j
    WHERE j.job_id = p_file.job_id
        AND j.status <> 'staging_lost'
        AND NOT EXISTS (
            SELECT FROM pgimport.job_event AS e
            WHERE e.job_id = p_file.job_id
                AND e.to_status = 'staging_lost'
                AND e.happened_at > p_file.finished_at
        )
    FOR NO KEY UPDATE;
    IF found THEN
        PERFORM pgimport._reset_check(p_file.job_id);
        UPDATE pgimport.job SET status = 'staging_lost' WHERE job_id = p_file.job_id;
    END IF;
END;
$_lose_staging$;

COMMENT ON FUNCTION pgimport._lose_staging(pgimport.file) IS
'internal: notes that the rows of a staged file are gone.';

-- Finds out how much of a file need not be loaded again: all of it where it is staged and its rows
-- are there, else what its last checkpoint says, proved by a count; the next row gets the next
-- number. Null: nothing of it, with the reason.
-- Called by stage_file with the file locked. Raises PI309 (rows are there, but not those).
CREATE OR REPLACE FUNCTION pgimport._resume_file(
    p_file pgimport.file,
    p_opened pgimport.file,
    OUT checkpoint jsonb,
    OUT reason text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_resume_file$
DECLARE
    v_rows bigint;
    v_last bigint;
BEGIN
    reason := pgimport._resume_refusal(p_file, p_opened);
    IF reason IS NOT NULL THEN
        RETURN;
    ELSIF p_file.status = 'staged' THEN
        IF p_file.rows_staged = 0
            -- rows of a job that is written are not needed any more
            OR EXISTS (
                SELECT FROM pgimport.job AS j
                WHERE j.job_id = p_file.job_id AND j.status IN ('inserting', 'completed')
            )
            OR pgimport._has_rows(p_file.staging_table)
        THEN
            checkpoint := jsonb_build_object(
                'done', true, 'rows', p_file.rows_staged, 'bytes', p_file.bytes,
                'sha256', p_file.sha256, 'rows_refused', p_file.rows_refused,
                'state', '{}'::jsonb
            );
        ELSE
            reason := 'its staged rows are gone, as after a crash of the server';
            PERFORM pgimport._lose_staging(p_file);
        END IF;
        RETURN;
    ELSIF to_regclass(format('pgimport_staging.%I', p_file.staging_table)) IS NULL THEN
        reason := 'its staged rows are gone';
        RETURN;
    END IF;

    EXECUTE format(
        'SELECT count(*), coalesce(max(row_no), 0) FROM pgimport_staging.%I', p_file.staging_table
    ) INTO v_rows, v_last;
    IF v_rows = 0 AND p_file.checkpoint_rows > 0 THEN
        reason := 'its staged rows are gone, as after a crash of the server';
        RETURN;
    ELSIF (v_rows, v_last) <> (p_file.checkpoint_rows, p_file.checkpoint_rows) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI309',
            MESSAGE = format('file "%s" cannot be gone on with: its checkpoint is after %s, '
                'but %s staged',
                p_file.file_name, pgimport._count_of(p_file.checkpoint_rows, 'row'),
                pgimport._count_of(v_rows, 'row')),
            DETAIL = format('the last row is number %s; somebody else wrote into "%s"',
                v_last, p_file.staging_table),
            HINT = format(
                'stage it from the start: select pgimport.stage_file(%L, %L, …, '
                '''{"file_no": %s}'');',
                p_file.job_id, p_file.file_name, p_file.file_no
            );
    END IF;

    EXECUTE format(
        'ALTER TABLE pgimport_staging.%I ALTER COLUMN row_no RESTART WITH %s',
        p_file.staging_table, v_rows + 1
    );
    checkpoint := pgimport._checkpoint(p_file);
END;
$_resume_file$;

COMMENT ON FUNCTION pgimport._resume_file(pgimport.file, pgimport.file) IS
'internal: proves how much of a file is loaded, so that it can be gone on with.';

-- The checkpoint of a file as it is told to its reader; null where it has none.
-- Called by _resume_file and checkpoint_file.
CREATE OR REPLACE FUNCTION pgimport._checkpoint(
    p_file pgimport.file
)
RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_checkpoint$
BEGIN
    IF p_file.checkpoint_rows IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object(
        'done', false,
        'rows', p_file.checkpoint_rows,
        'bytes', p_file.checkpoint_bytes,
        'sha256', p_file.checkpoint_sha256,
        'rows_refused', p_file.rows_refused,
        'state', p_file.checkpoint_state
    );
END;
$_checkpoint$;

COMMENT ON FUNCTION pgimport._checkpoint(pgimport.file) IS
'internal: the checkpoint of a file as an object.';
