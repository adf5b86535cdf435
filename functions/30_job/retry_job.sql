-- Tries a job again that stopped on its way: one that failed, or was never inserted, is checked and
-- inserted; one that is inserted in batches writes the next batch or, without batch_rows, all the
-- rest. Where its staged rows are lost it says which files are to be staged again; nothing is done.
-- Called by users; for a job that is completed it says so. Refused or failed again, the job is
-- where insert_job leaves it.
-- Raises PI001, PI101, PI109, and what check_job and insert_job raise; returns PI306, PI402, PI403,
-- PI404, PI405, PI406, PI407.
CREATE OR REPLACE FUNCTION pgimport.retry_job(
    p_job_id uuid,
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $retry_job$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_before text := v_job.status;
    v_files jsonb;
    v_check jsonb;
    v_answer jsonb;
BEGIN
    PERFORM pgimport._check_insert_options(p_options);
    IF v_job.status NOT IN (
        'staged', 'checked', 'failed', 'inserting', 'staging_lost', 'completed'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI109',
            MESSAGE = format('job "%s" is %s: there is nothing to try again',
                p_job_id, v_job.status),
            HINT = CASE v_job.status
                WHEN 'pending' THEN format(
                    'stage a file first: select pgimport.stage_file(%L, ''a.csv'', ''{…}'');', p_job_id
                )
                WHEN 'staging' THEN format('load its files, then: select pgimport.check_job(%L);',
                    p_job_id)
                WHEN 'queued' THEN format('a worker will take it; to take it back: '
                    'select pgimport.cancel_job(%L);', p_job_id)
                WHEN 'rolled_back' THEN format('select pgimport.redo_job(%L);', p_job_id)
                ELSE 'start a new job with pgimport.create_job()'
            END;
    END IF;

    IF v_job.status = 'staging_lost' THEN
        v_answer := pgimport._lost_envelope(v_job, pgimport._insert_keys(v_job, 0));
    ELSE
        IF v_before <> 'completed' THEN
            PERFORM pgimport._log_event(p_job_id, 'retried', jsonb_build_object('from', v_before));
        END IF;
        IF v_job.status IN ('staged', 'checked', 'failed') THEN
            v_check := pgimport.check_job(p_job_id, p_search_path);
        END IF;
        IF v_check ->> 'success' = 'false' THEN
            v_answer := v_check;
        ELSE
            v_answer := pgimport.insert_job(p_job_id, p_options, p_search_path);
        END IF;
    END IF;

    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'file_no', f.file_no, 'file_name', f.file_name, 'sheet', f.sheet, 'status', f.status,
        'bytes', f.bytes, 'sha256', f.sha256
    ) ORDER BY f.file_no), '[]')
    INTO v_files
    FROM pgimport.file AS f
    WHERE f.job_id = p_job_id AND v_answer ->> 'status' = 'staging_lost' AND f.status <> 'failed';

    RETURN v_answer || jsonb_build_object(
        'retried', v_before,
        'files', v_files,
        'details', (v_answer -> 'details') || jsonb_build_object('check', v_check)
    );
END;
$retry_job$;

COMMENT ON FUNCTION pgimport.retry_job(uuid, jsonb, text) IS
'Tries a job again that failed or stopped: checks and inserts it, or writes its next batch (option '
'batch_rows) or all the rest; where '
'its staged rows are lost, files[] says what is to be staged again. Options: those of insert_job. '
'Keys: those of insert_job, retried (the status it had), files; details.check is the answer of '
'check_job. Example: select jsonb_pretty(pgimport.retry_job(:''job''))';
