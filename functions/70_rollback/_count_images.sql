-- The rows that a job updated, by what a rollback finds of them. p_found_only: a filter is on, and
-- a row that is not there satisfies none. Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._count_images(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_found_only boolean,
    OUT untouched bigint,
    OUT equal bigint,
    OUT modified bigint,
    OUT gone bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_count_images$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
BEGIN
    EXECUTE format(
        'SELECT count(*) FILTER (WHERE q.state = ''u''), count(*) FILTER (WHERE q.state = ''e''), '
        'count(*) FILTER (WHERE q.state = ''m''), count(*) FILTER (WHERE q.state = ''g'') '
        'FROM (SELECT %s AS state FROM pgimport_staging.%I AS i %s JOIN %s AS t '
        'ON %s WHERE %s) AS q',
        pgimport._image_state_sql(p_job, p_relation, p_scope),
        pgimport._staging_name(p_job.job_id, '_image'),
        CASE WHEN p_found_only THEN 'INNER' ELSE 'LEFT' END,
        p_relation,
        p_scope.matches,
        p_scope.wanted
    ) INTO untouched, equal, modified, gone;
END;
$_count_images$;

COMMENT ON FUNCTION pgimport._count_images(pgimport.job, regclass, record, boolean) IS
'internal: the rows that a job updated, by what a rollback finds of them.';

-- SQL of the state of a row that a job updated (t, its image i): g gone, u untouched, e rewritten
-- but with the values that the job wrote, m modified. Called by the planner.
CREATE OR REPLACE FUNCTION pgimport._image_state_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_image_state_sql$
BEGIN
    RETURN format(
        'CASE WHEN t.tableoid IS NULL THEN ''g'' WHEN %s THEN ''u'' WHEN %s THEN ''e'' '
        'ELSE ''m'' END', p_scope.untouched, p_scope.equal
    );
END;
$_image_state_sql$;

COMMENT ON FUNCTION pgimport._image_state_sql(pgimport.job, regclass, record) IS
'internal: SQL of the state of a row that a job updated.';
