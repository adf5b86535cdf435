-- Keeps the mappings of a job's files for later files with the same headers, as they are now:
-- fields that go nowhere are kept as such. The tenant is the job's, unless the option says
-- another, or null for all.
-- Called by users. Raises PI001, PI002, PI003, PI101, PI206, PI207, PI301.
CREATE OR REPLACE FUNCTION pgimport.save_job_mapping(
    p_job_id uuid,
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $save_job_mapping$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_target pgimport.target;
    v_mapping jsonb;
    v_saved jsonb := '[]'::jsonb;
    r_file pgimport.file;
BEGIN
    PERFORM pgimport._check_save_options(p_options, '{name,tenant,file_no}');
    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t
    WHERE t.target_id = v_job.target_id;

    FOR r_file IN
        -- of files with one header the last counts
        SELECT DISTINCT ON (f.header) f.*
        FROM pgimport.file AS f
        WHERE f.job_id = p_job_id
            AND f.status <> 'failed'
            AND f.file_no = coalesce((p_options ->> 'file_no')::integer, f.file_no)
        ORDER BY f.header, f.file_no DESC
    LOOP
        -- of two fields that are called the same the first counts
        SELECT jsonb_object_agg(
            m.value ->> 'header', coalesce(m.value -> 'transform', m.value -> 'column')
            ORDER BY m.place DESC
        ) INTO v_mapping
        FROM jsonb_array_elements(r_file.mapping) WITH ORDINALITY AS m (value, place)
        -- what a constant or an assignment filled here is a matter of the job
        WHERE m.value ->> 'header' IS NOT NULL
            AND coalesce(m.value ->> 'how', '') NOT IN ('constant', 'assignment');
        PERFORM pgimport._check_mapping(v_job.target_id, coalesce(v_mapping, '{}'));
        v_saved := v_saved || (jsonb_build_object('file_no', r_file.file_no)
            || pgimport._keep_mapping(
                v_target,
                CASE WHEN p_options ? 'tenant' THEN p_options ->> 'tenant' ELSE v_job.tenant END,
                p_options ->> 'name', r_file.header, coalesce(v_mapping, '{}')
            ));
    END LOOP;

    IF v_saved = '[]' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI301',
            MESSAGE = format('job "%s" has no %s', p_job_id,
                coalesce('file ' || (p_options ->> 'file_no'), 'file')),
            HINT = format('select pgimport.get_job(%L) -> ''files'';', p_job_id);
    END IF;
    RETURN pgimport._envelope(
        v_job,
        format('%s kept for later files', pgimport._count_of(jsonb_array_length(v_saved),
            'mapping')),
        jsonb_build_object('saved', v_saved)
    );
END
$save_job_mapping$;

COMMENT ON FUNCTION pgimport.save_job_mapping(uuid, jsonb) IS
'Keeps the mappings of a job''s files for later files with the same headers. Options: name, '
'tenant, file_no (this file alone). Keys: saved [{file_no, mapping_id, version, existing}]. '
'Example: select pgimport.save_job_mapping(:''job'', ''{"name": "export of the shop"}'')';
