-- Before when rows of a table that is partitioned by time may be gone: where its first partition
-- begins. Called by _gone_warnings and verify_install.
CREATE OR REPLACE FUNCTION pgimport._gone_before(
    p_relation regclass
)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_gone_before$
BEGIN
    RETURN coalesce(
        (SELECT min(p.from_at) FROM pgimport._partitions(p_relation) AS p), '-infinity'
    );
END;
$_gone_before$;

COMMENT ON FUNCTION pgimport._gone_before(regclass) IS
'internal: before when rows of a table may have been removed by retention.';

-- What retention has removed of a job's log and issues, in words for the answer of a function.
-- Called by get_job, issue_report and report_copy_sql.
CREATE OR REPLACE FUNCTION pgimport._gone_warnings(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_gone_warnings$
DECLARE
    v_events timestamptz := pgimport._gone_before('pgimport.job_event');
    v_issues timestamptz := pgimport._gone_before('pgimport.issue');
    v_warnings jsonb := '[]'::jsonb;
    v_found bigint;
    v_refused bigint;
BEGIN
    IF p_job.created_at < v_events AND NOT EXISTS (
        SELECT FROM pgimport.job_event AS e
        WHERE e.job_id = p_job.job_id AND e.event = 'created'
    ) THEN
        v_warnings := v_warnings || to_jsonb(format(
            'events before %s were removed by retention', v_events
        ));
    END IF;
    -- of a deleted job they are gone all the same
    IF p_job.created_at < v_issues AND p_job.deleted_at IS NULL THEN
        SELECT count(*) INTO v_found FROM pgimport.issue AS i WHERE i.job_id = p_job.job_id;
        SELECT coalesce(sum(f.rows_refused), 0) INTO v_refused FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.status <> 'failed';
        IF v_found < p_job.invalid_rows OR (v_found = 0 AND v_refused > 0) THEN
            v_warnings := v_warnings || to_jsonb(format(
                'issues found before %s were removed by retention', v_issues
            ));
        END IF;
    END IF;
    RETURN v_warnings;
END;
$_gone_warnings$;

COMMENT ON FUNCTION pgimport._gone_warnings(pgimport.job) IS
'internal: what retention has removed of the log and the issues of a job, in words.';
