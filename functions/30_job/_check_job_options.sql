-- Checks the options of a new job: known keys, right types, values this version can do.
-- Called by create_job. Raises PI002 (unknown key), PI003 (wrong value).
CREATE OR REPLACE FUNCTION pgimport._check_job_options(
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_job_options$
DECLARE
    c_texts CONSTANT text[] := '{source,tenant,actor,idempotency_key}'::text[];
    c_limits CONSTANT text[] := '{max_issues,max_issue_ratio,max_duplicate_ratio}'::text[];
    v_key text;
    v_value jsonb;
    v_wanted text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options,
        '{source,source_info,constants,tenant,actor,mapping,on_duplicate,keep,on_issue,max_issues,
          max_issue_ratio,max_duplicate_ratio,assignment,durable,idempotency_key,force}',
        'p_options of create_job'
    );

    FOR v_key, v_value IN SELECT o.key, o.value FROM jsonb_each(p_options) AS o LOOP
        v_wanted := CASE
            WHEN v_key = ANY (c_texts) AND jsonb_typeof(v_value) <> 'string'
                THEN 'a text'
            WHEN v_key IN ('durable', 'force') AND jsonb_typeof(v_value) <> 'boolean'
                THEN 'true or false'
            WHEN v_key IN ('constants', 'mapping', 'assignment') AND jsonb_typeof(v_value) <> 'object'
                THEN 'an object'
            WHEN v_key = ANY (c_limits) AND jsonb_typeof(v_value) <> 'number'
                THEN 'a number'
            WHEN v_key = ANY (c_limits) AND v_value::numeric < 0
                THEN 'a number from 0'
            WHEN v_key IN ('max_issue_ratio', 'max_duplicate_ratio') AND v_value::numeric > 1
                THEN 'a ratio between 0 and 1'
            WHEN v_key = 'on_duplicate'
                AND v_value NOT IN ('"skip"', '"update"', '"create"', '"error"')
                THEN '"skip", "update", "create" or "error"'
            WHEN v_key = 'keep' AND v_value NOT IN ('"first"', '"last"')
                THEN '"first" or "last"'
            WHEN v_key = 'on_issue' AND v_value NOT IN ('"skip"', '"abort"')
                THEN '"skip" or "abort"'
        END;

        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('option "%s" of a job must be %s', v_key, v_wanted),
                DETAIL = format('it is %s', v_value),
                HINT = 'select pgimport.create_job(''codes'', ''{"on_duplicate": "skip"}'');';
        END IF;
    END LOOP;
END;
$_check_job_options$;

COMMENT ON FUNCTION pgimport._check_job_options(jsonb) IS
'internal: checks the keys and values of the options of create_job.';
