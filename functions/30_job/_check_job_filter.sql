-- Refuses unknown keys and wrong values in the filter of list_jobs().
-- Called by list_jobs(). Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_job_filter(
    p_filter jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_check_job_filter$
DECLARE
    c_statuses CONSTANT jsonb := '["pending", "staging", "staged", "checked", "queued",
        "inserting", "completed", "failed", "cancelled", "staging_lost", "rolled_back"]'::jsonb;
    r_filter record;
    v_wanted text;
BEGIN
    PERFORM pgimport._require_keys(
        p_filter,
        '{target,status,tenant,actor,role,source,since,until,file_name,deleted}',
        'p_filter of list_jobs'
    );
    FOR r_filter IN
        SELECT f.key, f.value, jsonb_typeof(f.value) AS type, f.value #>> '{}' AS text
        FROM jsonb_each(p_filter) AS f
        ORDER BY f.key
    LOOP
        v_wanted := CASE
            WHEN r_filter.key = 'status' THEN
                CASE WHEN r_filter.type NOT IN ('string', 'array')
                    OR NOT c_statuses @> r_filter.value
                    THEN format('one or a list of %s', c_statuses)
                END
            WHEN r_filter.key = 'deleted' THEN
                CASE WHEN r_filter.type <> 'boolean' THEN 'true or false' END
            WHEN r_filter.type <> 'string' THEN 'a text'
            WHEN r_filter.key IN ('since', 'until')
                AND pgimport._cast_sqlstate(r_filter.text, 'timestamptz') IS NOT NULL
                THEN 'a date or a time'
        END;
        IF v_wanted IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI003',
                MESSAGE = format('filter "%s" must be %s', r_filter.key, v_wanted),
                DETAIL = format('It was: %s', left(r_filter.value::text, 200)),
                HINT = 'For example: {"status": ["completed", "failed"], "since": "2026-01-31"}';
        END IF;
    END LOOP;
END
$_check_job_filter$;

COMMENT ON FUNCTION pgimport._check_job_filter(jsonb) IS
'internal: refuses unknown keys and wrong values in the filter of list_jobs().';
