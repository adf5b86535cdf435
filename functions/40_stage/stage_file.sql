-- Opens a file of a job: decides its mapping, makes its staging table, says how to COPY into it.
-- With the option file_no a file is staged again, alone: its old rows are dropped first. With
-- resume as well they stay as far as they are known to be right: the answer's checkpoint says where
-- to go on, or null where there is nothing to go on with.
-- Called by users and the client, several sessions side by side.
-- Raises PI001, PI002, PI003, PI101, PI102, PI205, PI206, PI207, PI301, PI304, PI308, PI309, PI602,
-- PI606.
CREATE OR REPLACE FUNCTION pgimport.stage_file(
    p_job_id uuid,
    p_file_name text,
    p_header text[],
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $stage_file$
DECLARE
    c_open CONSTANT text[] := '{pending,staging,staged,checked,failed,staging_lost}'::text[];
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_resume boolean;
    v_job pgimport.job := pgimport._lock_job(p_job_id, p_share => true);
    v_target pgimport.target;
    v_file pgimport.file;
    v_opened pgimport.file;
    r_mapped record;
    r_resumed record;
    v_file_no integer;
    v_fence bigint;
    v_warnings jsonb;
BEGIN
    PERFORM pgimport._check_file_options(p_file_name, p_header, v_options);
    v_resume := coalesce((v_options ->> 'resume')::boolean, false);
    -- a file that is staged may be asked for as long as the job has it
    PERFORM pgimport._require_status(
        v_job, c_open || CASE WHEN v_resume THEN '{queued,inserting,completed}'::text[] END,
        'given another file'
    );

    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t
    WHERE t.target_id = v_job.target_id;
    PERFORM pgimport._target_relation(v_target);

    IF v_options ? 'sha256' AND NOT coalesce((v_options ->> 'force')::boolean, false) THEN
        PERFORM pgimport._refuse_same_file(
            v_job, v_options ->> 'sha256', v_options ->> 'sheet',
            (v_options ->> 'file_no')::integer
        );
    END IF;

    PERFORM pgimport._check_mapping(v_target.target_id, v_options -> 'mapping');
    SELECT m.* INTO STRICT r_mapped
    FROM pgimport._file_mapping(
        v_target,
        p_header,
        -- null where neither the job nor the file says anything: then a saved mapping counts
        CASE WHEN v_job.mapping IS NOT NULL OR jsonb_typeof(v_options -> 'mapping') = 'object'
            THEN coalesce(v_job.mapping, '{}') || coalesce(v_options -> 'mapping', '{}') END,
        v_job
    ) AS m;
    v_warnings := coalesce(r_mapped.warnings, '[]'::jsonb);

    IF v_options ? 'file_no' THEN
        v_file := pgimport._take_file(p_job_id, (v_options ->> 'file_no')::integer);
    END IF;
    v_opened := pgimport._opened_file(v_job, p_file_name, p_header, r_mapped.mapping, v_options);
    IF v_resume THEN
        PERFORM pgimport._refuse_foreign_staging(v_job);
        SELECT * INTO STRICT r_resumed FROM pgimport._resume_file(v_file, v_opened);
        IF r_resumed.checkpoint IS NOT NULL THEN
            UPDATE pgimport.file AS f SET fence = f.fence + 1
            WHERE f.job_id = p_job_id AND f.file_no = v_file.file_no AND f.status = 'open'
            RETURNING f.fence INTO v_fence;
            RETURN pgimport._file_envelope(
                v_job, v_file, coalesce(v_fence, v_file.fence), r_resumed.checkpoint, false,
                v_warnings
            );
        END IF;
        v_warnings := v_warnings || to_jsonb(format(
            'file %s "%s" is staged from its start: %s',
            v_file.file_no, p_file_name, r_resumed.reason
        ));
        v_job := pgimport._read_job(p_job_id);
    END IF;
    PERFORM pgimport._require_status(v_job, c_open, 'given another file');

    -- a job that was checked, failed or lost its rows goes back to staging; one that is staging
    -- is left alone, so that nobody waits
    IF v_job.status NOT IN ('pending', 'staging') OR v_job.validated_at IS NOT NULL THEN
        PERFORM FROM pgimport.job WHERE job_id = p_job_id FOR NO KEY UPDATE;
        PERFORM pgimport._reset_check(p_job_id);
    END IF;

    v_file_no := v_file.file_no;
    IF v_file_no IS NULL THEN
        v_file_no := pgimport._next_file_no(p_job_id);
    ELSE
        PERFORM pgimport._drop_staging(p_job_id, v_file_no);
        DELETE FROM pgimport.issue AS i WHERE i.job_id = p_job_id AND i.file_no = v_file_no;
    END IF;
    PERFORM pgimport._refuse_staged_bytes(v_job, v_opened.bytes);
    v_opened := pgimport._open_file(v_job, v_opened, v_file_no);

    -- whoever is moving the job at this moment moves it to staging, too
    PERFORM FROM pgimport.job
    WHERE job_id = p_job_id AND status <> 'staging'
    FOR NO KEY UPDATE SKIP LOCKED;
    IF found THEN
        UPDATE pgimport.job SET status = 'staging', staged_at = NULL
        WHERE job_id = p_job_id RETURNING * INTO v_job;
    END IF;

    RETURN pgimport._file_envelope(
        v_job, v_opened, v_opened.fence, NULL,
        coalesce((v_options ->> 'header')::boolean, true), v_warnings
    );
END;
$stage_file$;

COMMENT ON FUNCTION pgimport.stage_file(uuid, text, text[], jsonb) IS
'Opens a file of a job; keys: file_no, mapping, copy_sql (the COPY statement that loads it), '
'fence, checkpoint (where to go on with it, or null). '
'Options: sha256, bytes, encoding, delimiter, sheet, header, line_offset, mapping, force, file_no '
'(stage this file again), resume (with file_no: go on with what is there). '
'Example: select pgimport.stage_file(:''job'', ''a.csv'', ''{code,sku}'') ->> ''copy_sql''';
