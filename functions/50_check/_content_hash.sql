-- Order-independent hash of the valid rows of a job: their number, the names of the columns that
-- are written and their typed values, not the bytes of the files. Rows in another order, in files
-- cut otherwise or spelt otherwise have the same hash. What a round-robin assignment deals out is
-- no content, nor is a default of the table. Null where there is no valid row.
-- Called by _mark_duplicates, which pins the settings that texts of values depend on.
CREATE OR REPLACE FUNCTION pgimport._content_hash(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_content_hash$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_names text;
    v_values text;
    v_rows bigint;
    v_sum text;
BEGIN
    SELECT
        string_agg(quote_ident(c.column_name), ',' ORDER BY c.column_no),
        string_agg(pgimport._checksum_item(c.value_sql, c.type_oid), ', ' ORDER BY c.column_no)
    INTO v_names, v_values
    FROM pgimport._written_columns(p_job) AS c
    WHERE NOT (
        p_job.options #>> '{assignment,mode}' IS NOT DISTINCT FROM 'round_robin'
        AND c.column_name = p_job.options #>> '{assignment,column}'
    );

    EXECUTE format(
        'SELECT count(*), %s FROM pgimport_staging.%I AS v',
        -- of a job that writes nothing but what it deals out: the number of rows
        pgimport._checksum_sql(coalesce(v_values, 'NULL::text')),
        pgimport._staging_name(p_job.job_id, '_value')
    ) INTO v_rows, v_sum;

    RETURN CASE
        WHEN v_rows > 0
            THEN encode(sha256(convert_to(concat_ws(' ', v_names, v_rows, v_sum), 'UTF8')), 'hex')
    END;
END;
$_content_hash$;

COMMENT ON FUNCTION pgimport._content_hash(pgimport.job) IS
'internal: order-independent hash of the valid rows of a job.';

-- The job of the same target and tenant that imported the same rows or does so, the newest one; all
-- null where there is none. A rollback of that job or its deletion releases its content.
-- Called by _over_limit and _content_warnings.
CREATE OR REPLACE FUNCTION pgimport._same_content(
    p_job pgimport.job,
    OUT job_id uuid,
    OUT completed_at timestamptz
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_same_content$
#variable_conflict use_column
BEGIN
    -- of one that is inserted in batches: since when
    SELECT j.job_id, coalesce(j.completed_at, j.checked_at) INTO job_id, completed_at
    FROM pgimport.job AS j
    WHERE j.target_id = p_job.target_id
        AND j.content_hash = p_job.content_hash
        AND j.tenant IS NOT DISTINCT FROM p_job.tenant
        AND j.status IN ('completed', 'inserting')
        AND j.deleted_at IS NULL
        AND j.job_id <> p_job.job_id
    ORDER BY 2 DESC
    LIMIT 1;
END;
$_same_content$;

COMMENT ON FUNCTION pgimport._same_content(pgimport.job) IS
'internal: the completed job of the same target and tenant that imported the same rows.';

-- Names the job that imported the same rows before, as warnings of an answer.
-- Called by check_job, mark_duplicates, apply_fix and insert_job.
CREATE OR REPLACE FUNCTION pgimport._content_warnings(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_content_warnings$
DECLARE
    r_same record;
BEGIN
    SELECT s.* INTO STRICT r_same FROM pgimport._same_content(p_job) AS s;
    IF r_same.job_id IS NULL THEN
        RETURN '[]'::jsonb;
    END IF;
    RETURN to_jsonb(ARRAY[format(
        'the same rows were imported by job %s on %s', r_same.job_id,
        to_char(r_same.completed_at, 'YYYY-MM-DD HH24:MI TZ')
    )]);
END;
$_content_warnings$;

COMMENT ON FUNCTION pgimport._content_warnings(pgimport.job) IS
'internal: names the job that imported the same rows before.';
