-- Refuses a file that is loaded in several transactions and not at its end yet: closed now, its
-- other rows would be lost without a word.
-- Called by _seal_staging once nobody is loading the file. Raises PI309.
CREATE OR REPLACE FUNCTION pgimport._refuse_half(
    p_file pgimport.file
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_refuse_half$
DECLARE
    v_file pgimport.file;
BEGIN
    -- what another session committed while its COPY was waited for counts, too
    SELECT f.* INTO v_file FROM pgimport.file AS f
    WHERE f.job_id = p_file.job_id AND f.file_no = p_file.file_no;
    IF v_file.status = 'open' AND v_file.checkpoint_rows IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI309',
            MESSAGE = format('file %s "%s" of job "%s" is loaded only up to %s',
                v_file.file_no, v_file.file_name, v_file.job_id,
                pgimport._count_of(v_file.checkpoint_rows, 'row')),
            DETAIL = format('%s of %s bytes were read; last checkpoint: %s',
                v_file.checkpoint_bytes, coalesce(v_file.bytes::text, 'unknown'),
                v_file.checkpoint_at),
            HINT = format(
                'run the import again with this job; or close the file with finish_file() if that '
                'is all of it; or give it up: '
                'select pgimport.finish_file(%L, %s, 0, ''{"failed": "not loaded"}'');',
                v_file.job_id, v_file.file_no
            );
    END IF;
END;
$_refuse_half$;

COMMENT ON FUNCTION pgimport._refuse_half(pgimport.file) IS
'internal: refuses a file that is loaded only up to a checkpoint.';

-- Makes a job's files one relation to read: closes files that were loaded but not closed, notices
-- rows lost in a server crash, and attaches every file's table to the job's partitioned table.
-- Called with the job locked, by every step that reads staged rows; the job may be staged or
-- staging_lost afterwards. Returns the warnings for the caller's answer.
-- Raises PI305 (a file is open and empty), PI306 (nothing staged), PI309, PI602.
CREATE OR REPLACE FUNCTION pgimport._seal_staging(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_seal_staging$
DECLARE
    r_file pgimport.file;
    v_rows bigint;
    v_lost boolean := false;
    v_files integer := 0;
    v_warnings jsonb := '[]'::jsonb;
BEGIN
    PERFORM pgimport._refuse_foreign_staging(p_job);

    FOR r_file IN
        SELECT f.* FROM pgimport.file AS f WHERE f.job_id = p_job.job_id ORDER BY f.file_no
    LOOP
        IF r_file.status = 'open' THEN
            -- waits for a COPY that is still running; nobody said how many rows there should be
            EXECUTE format('LOCK TABLE pgimport_staging.%I IN SHARE MODE', r_file.staging_table);
            PERFORM pgimport._refuse_half(r_file);
            IF NOT pgimport._has_rows(r_file.staging_table) THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'PI305',
                    MESSAGE = format('file %s "%s" of job "%s" is open and empty',
                        r_file.file_no, r_file.file_name, p_job.job_id),
                    HINT = format(
                        'load it with its copy_sql, or give it up: '
                        'select pgimport.finish_file(%L, %s, 0, ''{"failed": "not loaded"}'');',
                        p_job.job_id, r_file.file_no
                    );
            END IF;
            v_rows := pgimport._close_file(r_file, NULL, '{}');
            v_files := v_files + 1;
            v_warnings := v_warnings || to_jsonb(format(
                'file %s "%s" was closed with %s; nobody said how many were parsed',
                r_file.file_no, r_file.file_name, pgimport._count_of(v_rows, 'row')
            ));
        ELSIF r_file.status = 'staged' THEN
            v_files := v_files + 1;
            v_lost := v_lost
                OR (r_file.rows_staged > 0 AND NOT pgimport._has_rows(r_file.staging_table));
        ELSIF r_file.status = 'failed' THEN
            v_warnings := v_warnings || to_jsonb(format(
                'file %s "%s" failed and is not part of this job: %s',
                r_file.file_no, r_file.file_name, r_file.error_message
            ));
        END IF;
    END LOOP;

    IF v_files = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI306',
            MESSAGE = format('nothing is staged in job "%s"', p_job.job_id),
            HINT = format(
                'select pgimport.stage_file(%L, ''a.csv'', ''{…}'') ->> ''copy_sql'';',
                p_job.job_id
            );
    ELSIF v_lost THEN
        PERFORM pgimport._reset_check(p_job.job_id);
        UPDATE pgimport.job SET status = 'staging_lost' WHERE job_id = p_job.job_id;
        RETURN v_warnings;
    END IF;

    PERFORM pgimport._attach_files(p_job.job_id);

    UPDATE pgimport.job SET status = 'staged', staged_at = clock_timestamp()
    WHERE job_id = p_job.job_id AND status IN ('pending', 'staging');

    RETURN v_warnings;
END;
$_seal_staging$;

COMMENT ON FUNCTION pgimport._seal_staging(pgimport.job) IS
'internal: closes and attaches the files of a job, or finds that their rows are lost.';
