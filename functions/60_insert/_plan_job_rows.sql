-- How the p_rows rows of a job are found in its target (alias t; the job's id is $1), which the
-- planner cannot know: its statistics are older than the job. Where the job is small beside the
-- table, the index on import_job_id is used whatever it seems to cost: enable_seqscan is off until
-- the calling function ends, which must pin it. Where the job is a large part of the table, the
-- condition returned hides from the planner that it is an equality, for a scan in parallel.
-- Called by _read_back, verify_job, plan_rollback and rollback_job; a DELETE is never parallel.
CREATE OR REPLACE FUNCTION pgimport._plan_job_rows(
    p_rows bigint,
    p_relation regclass
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_plan_job_rows$
DECLARE
    c_small CONSTANT numeric := 0.05;
    c_large CONSTANT numeric := 0.25;
    v_share numeric := coalesce(p_rows, 0)
        / greatest(pgimport._estimated_rows(p_relation), 1);
BEGIN
    IF v_share < c_small THEN
        PERFORM set_config('enable_seqscan', 'off', true);
    ELSIF v_share > c_large THEN
        RETURN 'CASE WHEN t.import_job_id = $1 THEN true END';
    END IF;
    RETURN 't.import_job_id = $1';
END;
$_plan_job_rows$;

COMMENT ON FUNCTION pgimport._plan_job_rows(bigint, regclass) IS
'internal: how a job''s rows are found in its target, by what part of it they are.';

-- How the target's rows of p_rows keys are found, which the planner cannot know: staged rows have
-- no statistics, and of joins over several columns it expects next to nothing. Where the keys are a
-- good part of the table it is read once, not looked into for each: enable_nestloop is off until
-- the calling function ends, which must pin it.
-- Called by _recheck_duplicates and _take_images.
CREATE OR REPLACE FUNCTION pgimport._plan_keys(
    p_rows bigint,
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_plan_keys$
DECLARE
    -- an index probe costs about as much as reading this many rows in a scan
    c_rows_per_probe CONSTANT integer := 50;
BEGIN
    IF p_rows * c_rows_per_probe >= pgimport._estimated_rows(p_relation) THEN
        PERFORM set_config('enable_nestloop', 'off', true);
    END IF;
END;
$_plan_keys$;

COMMENT ON FUNCTION pgimport._plan_keys(bigint, regclass) IS
'internal: how the target''s rows of a job''s keys are found, by how many there are.';
