-- The six functions of an earlier import system, by their own names and JSON keys, as thin wrappers
-- around pgimport. Its staging table per merchant is here the merchant's newest open job: the one
-- that was created with {"tenant": "<merchant id>"}.

CREATE OR REPLACE FUNCTION public.merchant_job(
    p_merchant_id uuid,
    p_statuses text[]
)
RETURNS uuid
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $merchant_job$
DECLARE
    v_job_id uuid;
BEGIN
    SELECT j.job_id
    INTO v_job_id
    FROM pgimport.list_jobs(
        jsonb_build_object('target', 'codes', 'tenant', p_merchant_id::text), NULL, 100
    ) AS j
    WHERE j.status = ANY (p_statuses)
    ORDER BY j.job_id DESC
    LIMIT 1;

    IF v_job_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'no_data_found',
            MESSAGE = format('merchant %s has no such import', coalesce(p_merchant_id::text, '?')),
            DETAIL = format('wanted: one that is %s', array_to_string(p_statuses, ', ')),
            HINT = 'select pgimport.create_job(''codes'', ''{"tenant": "<merchant id>"}'');';
    END IF;
    RETURN v_job_id;
END;
$merchant_job$;

COMMENT ON FUNCTION public.merchant_job(uuid, text[]) IS
'internal: the newest import of a merchant in one of the given states.';

CREATE OR REPLACE FUNCTION public.mark_duplicates_in_temp(
    p_merchant_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $mark_duplicates_in_temp$
BEGIN
    -- total_rows, internal_duplicates, database_duplicates and clean_count are pgimport's own keys
    RETURN pgimport.mark_duplicates(
        public.merchant_job(p_merchant_id, '{pending,staging,staged,checked,failed}')
    );
END;
$mark_duplicates_in_temp$;

COMMENT ON FUNCTION public.mark_duplicates_in_temp(uuid) IS
'Marks duplicates inside the merchant''s files and against codes; repeatable. '
'Example: select mark_duplicates_in_temp(''6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11'');';

CREATE OR REPLACE FUNCTION public.validate_clean_codes_for_insert(
    p_merchant_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $validate_clean_codes_for_insert$
BEGIN
    -- valid, total_clean, validation_errors, errors and new_database_duplicates are pgimport's own
    RETURN pgimport.validate_job(
        public.merchant_job(p_merchant_id, '{pending,staging,staged,checked,failed}')
    );
END;
$validate_clean_codes_for_insert$;

COMMENT ON FUNCTION public.validate_clean_codes_for_insert(uuid) IS
'Validates the merchant''s staged rows and looks for duplicates that came into codes since. '
'Example: select validate_clean_codes_for_insert(''6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11'');';

CREATE OR REPLACE FUNCTION public.insert_clean_codes_to_production(
    p_merchant_id uuid,
    p_source_info text DEFAULT NULL,
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $insert_clean_codes_to_production$
DECLARE
    v_job_id uuid := public.merchant_job(p_merchant_id, '{checked}');
    v_answer jsonb;
BEGIN
    IF p_source_info IS NOT NULL THEN
        UPDATE pgimport.job SET source_info = p_source_info WHERE job_id = v_job_id;
    END IF;
    v_answer := pgimport.insert_job(v_job_id, '{}', p_search_path);

    RETURN v_answer || jsonb_build_object(
        'expected_count', v_answer -> 'expected',
        'inserted_count', v_answer -> 'rows_inserted'
    );
END;
$insert_clean_codes_to_production$;

COMMENT ON FUNCTION public.insert_clean_codes_to_production(uuid, text, text) IS
'Inserts the merchant''s clean rows, all or none; the answer holds the job_id for a rollback. '
'Example: select insert_clean_codes_to_production('
'''6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11'', ''summer'');';

CREATE OR REPLACE FUNCTION public.verify_import_job(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $verify_import_job$
BEGIN
    -- verified, expected_count and actual_count are pgimport's own keys
    RETURN pgimport.verify_job(p_job_id);
END;
$verify_import_job$;

COMMENT ON FUNCTION public.verify_import_job(uuid) IS
'Compares the rows of a job with what is in codes. '
'Example: select verify_import_job((select max(import_job_id::text)::uuid from codes));';

CREATE OR REPLACE FUNCTION public.rollback_import_job(
    p_job_id uuid,
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $rollback_import_job$
DECLARE
    v_answer jsonb := pgimport.rollback_job(
        p_job_id, 'refuse', 'rollback_import_job', '{}', p_search_path
    );
BEGIN
    RETURN v_answer || jsonb_build_object(
        'inserted_count', v_answer -> 'inserted_originally',
        'deleted_count', v_answer -> 'rows_deleted'
    );
END;
$rollback_import_job$;

COMMENT ON FUNCTION public.rollback_import_job(uuid, text) IS
'Rolls one import back; rows changed since stop it, see pgimport.plan_rollback(). '
'Example: select rollback_import_job((select max(import_job_id::text)::uuid from codes));';

CREATE OR REPLACE FUNCTION public.get_duplicate_report(
    p_merchant_id uuid
)
RETURNS TABLE (
    file_name text,
    row_number bigint,
    merchant_id text,
    code text,
    is_internal_duplicate boolean,
    is_database_duplicate boolean,
    status text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $get_duplicate_report$
BEGIN
    RETURN QUERY
    SELECT
        r.file_name,
        r.row_no,
        r.data ->> 'merchant_id',
        r.data ->> 'code',
        r.is_internal_duplicate,
        r.is_database_duplicate,
        r.status
    FROM pgimport.duplicate_report(
        public.merchant_job(p_merchant_id, '{checked,completed,failed,rolled_back}'), true
    ) AS r;
END;
$get_duplicate_report$;

COMMENT ON FUNCTION public.get_duplicate_report(uuid) IS
'The duplicate rows of the merchant''s newest import. '
'Example: select * from get_duplicate_report(''6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11'');';
