-- Changes which field goes to which column, for all files of a job, before or after staging: the
-- staged rows stay where they are, only their columns get other names. The check is to be run
-- again. Called by users. Raises PI001, PI002, PI003, PI101, PI102, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport.set_mapping(
    p_job_id uuid,
    p_mapping jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $set_mapping$
DECLARE
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_target pgimport.target;
    v_mapped record;
    v_files jsonb := '[]'::jsonb;
    v_warnings jsonb := '[]'::jsonb;
    r_file pgimport.file;
BEGIN
    PERFORM pgimport._require_status(
        v_job, '{pending,staging,staged,checked,failed}', 'given another mapping'
    );
    IF p_mapping IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'no mapping given: "p_mapping" is null',
            HINT = 'for example {"Order ID": "ebay_order_id", "internal note": null}';
    END IF;
    PERFORM pgimport._check_mapping(v_job.target_id, p_mapping);
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t
    WHERE t.target_id = v_job.target_id;

    PERFORM pgimport._reset_check(p_job_id);
    PERFORM pgimport._detach_files(p_job_id);

    FOR r_file IN
        SELECT f.* FROM pgimport.file AS f
        WHERE f.job_id = p_job_id AND f.status IN ('open', 'staged')
        ORDER BY f.file_no
        FOR UPDATE
    LOOP
        SELECT m.* INTO STRICT v_mapped
        FROM pgimport._file_mapping(v_target, r_file.header, p_mapping, v_job) AS m;
        PERFORM pgimport._rename_staged(r_file, v_mapped.mapping);
        UPDATE pgimport.file SET mapping = v_mapped.mapping
        WHERE job_id = p_job_id AND file_no = r_file.file_no;
        v_warnings := v_warnings || v_mapped.warnings;
        v_files := v_files || jsonb_build_object(
            'file_no', r_file.file_no, 'file_name', r_file.file_name, 'mapping', v_mapped.mapping
        );
    END LOOP;

    SELECT v_warnings || coalesce(jsonb_agg(
        to_jsonb(format('no file has a field "%s"', left(g.header, 200))) ORDER BY g.header
    ), '[]')
    INTO v_warnings
    FROM jsonb_object_keys(p_mapping) AS g (header)
    WHERE v_files <> '[]' AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(v_files) AS f
            CROSS JOIN LATERAL jsonb_array_elements(f -> 'mapping') AS m
            WHERE m ->> 'header' = g.header
        );

    UPDATE pgimport.job
    SET mapping = p_mapping,
        status = CASE WHEN status IN ('checked', 'failed') THEN 'staged' ELSE status END
    WHERE job_id = p_job_id
    RETURNING * INTO v_job;
    PERFORM pgimport._log_event(p_job_id, 'mapping_set', jsonb_build_object('mapping', p_mapping));

    RETURN pgimport._envelope(
        v_job,
        format('mapping of job %s set for %s', p_job_id,
            pgimport._count_of(jsonb_array_length(v_files), 'file')),
        jsonb_build_object('mapping', p_mapping, 'files', v_files),
        v_warnings
    );
END;
$set_mapping$;

COMMENT ON FUNCTION pgimport.set_mapping(uuid, jsonb) IS
'Sets the mapping {"header": "column" or null} of a job, also after its files are staged. Fields '
'are joined by {"header": {"column": …, "part": 1, "separator": " "}}, a field is split by '
'{"header": {"split": " ", "columns": ["first_name", "last_name"]}}: the last takes the rest. '
'Example: select pgimport.set_mapping(:''job'', ''{"Order ID": "ebay_order_id"}'')';
