-- Where the columns of a target get their text from in a job: the fields mapped to them, or a
-- constant of the job. raw_sql reads it from the staging table (alias s), as it was staged.
-- is_looked_up: the text is not the value yet but is looked up in the job's table of lookups, which
-- _store_lookups() fills; a text that is not there becomes an issue.
-- Called by _written_columns.
CREATE OR REPLACE FUNCTION pgimport._column_sources(
    p_job pgimport.job
)
RETURNS TABLE (
    column_name text,
    raw_sql text,
    is_looked_up boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_column_sources$
#variable_conflict use_column
DECLARE
    v_constants jsonb := coalesce(p_job.options -> 'constants', '{}');
BEGIN
    RETURN QUERY
    SELECT DISTINCT m ->> 'column', format('s.%I', m ->> 'staged_as'), false
    FROM pgimport.file AS f
    CROSS JOIN LATERAL jsonb_array_elements(f.mapping) AS m
    WHERE f.job_id = p_job.job_id
        AND f.status = 'staged'
        AND m ->> 'column' IS NOT NULL
        AND NOT v_constants ? (m ->> 'column')
    UNION ALL
    SELECT c.key, format('%L::text', c.value), false
    FROM jsonb_each_text(v_constants) AS c;
END;
$_column_sources$;

COMMENT ON FUNCTION pgimport._column_sources(pgimport.job) IS
'internal: where the columns that a job writes get their staged text from.';

-- Fills the job's table of lookups (column_no, text, value, matches), one line a text that is
-- staged for a looked-up column: value is null where nothing is found, or more than one thing.
-- Called by _validate_values before anything is cast. Returns the columns with such texts.
CREATE OR REPLACE FUNCTION pgimport._store_lookups(
    p_job pgimport.job
)
RETURNS text[]
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_store_lookups$
BEGIN
    PERFORM FROM pgimport._column_sources(p_job) AS c WHERE c.is_looked_up;
    RETURN '{}'::text[];
END;
$_store_lookups$;

COMMENT ON FUNCTION pgimport._store_lookups(pgimport.job) IS
'internal: fills the table of lookups of a job; returns the columns with unknown texts.';

-- SQL expression with the code of the issue of a text that was looked up in vain.
-- Called by _value_code_sql.
CREATE OR REPLACE FUNCTION pgimport._lookup_code_sql(
    p_job_id uuid,
    p_column_no integer,
    p_plain_sql text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_job_id IS NOT NULL AND p_column_no > 0 AND p_plain_sql <> ''
    THEN '''not_found''' END;

COMMENT ON FUNCTION pgimport._lookup_code_sql(uuid, integer, text) IS
'internal: SQL with the code of the issue of a text that was looked up in vain.';
