BEGIN;
\ir ../setup.psql
SELECT plan(21);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');

-- ten rows: two with issues, two duplicates; refused records beside them
CREATE FUNCTION pgimport_test.limited(p_options jsonb, p_refused integer DEFAULT 0)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options);
    v_file_no integer;
BEGIN
    v_file_no := pgimport_test.stage(
        v_job_id, '{merchant_id,code,points}',
        ARRAY(
            SELECT format('%s,%s,%s', pgimport_test.merchant(), r.code, r.points)
            FROM (VALUES
                ('A', '1'), ('B', '2'), ('C', '3'), ('D', '4'), ('E', '5'), ('F', '6'),
                ('A', '7'), ('OLD', '8'), ('G', 'x'), ('H', 'y')
            ) AS r (code, points)
        )
    );
    UPDATE pgimport.file SET rows_refused = p_refused WHERE job_id = v_job_id;
    PERFORM pgimport.check_job(v_job_id);
    RETURN v_job_id;
END;
$$;

SELECT pgimport_test.limited('{"on_issue": "abort"}') AS job \gset
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'status', 'code', 'rows_inserted', 'expected'),
    'success=false status=checked code=PI402 rows_inserted=0 expected=6',
    'with on_issue = abort any issue stops the insert'
);
SELECT matches(:'answer'::jsonb ->> 'hint', 'issue_report', 'the hint shows how to see them');
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 1, 'and nothing was inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job', '{"dry_run": true}'), 'success', 'code'),
    'success=false code=PI402', 'a dry run says so, too'
);

-- what a limit answers
CREATE FUNCTION pgimport_test.outcome(p_options jsonb, p_refused integer DEFAULT 0)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jsonb := pgimport.insert_job(
        pgimport_test.limited(p_options, p_refused), '{"dry_run": true}'
    );
BEGIN
    RETURN coalesce(v_answer ->> 'code', 'inserts');
END;
$$;
SELECT is(pgimport_test.outcome('{}'), 'inserts', 'without limits bad rows are left out');
SELECT is(pgimport_test.outcome('{"on_issue": "skip"}'), 'inserts', 'as with on_issue = skip');
SELECT is(pgimport_test.outcome('{"max_issues": 1}'), 'PI402', 'more issues than max_issues');
SELECT is(pgimport_test.outcome('{"max_issues": 2}'), 'inserts', 'as many as max_issues');
SELECT is(pgimport_test.outcome('{"max_issues": 0}'), 'PI402', 'max_issues may be 0');
SELECT is(
    pgimport_test.outcome('{"max_issue_ratio": 0.19}'), 'PI402', 'a greater part than the ratio'
);
SELECT is(
    pgimport_test.outcome('{"max_issue_ratio": 0.2}'), 'inserts', 'exactly the ratio is allowed'
);
SELECT is(
    pgimport_test.outcome('{"max_issue_ratio": 0.2}', 5), 'PI402',
    'records refused while reading count as bad rows'
);
SELECT is(
    pgimport_test.outcome('{"max_duplicate_ratio": 0.19}'), 'PI403', 'too many duplicates: PI403'
);
SELECT is(
    pgimport_test.outcome('{"max_duplicate_ratio": 0.2}'), 'inserts',
    'exactly the ratio of duplicates is allowed'
);

SELECT matches(
    pgimport.insert_job(pgimport_test.limited('{"max_duplicate_ratio": 0.19}')) ->> 'hint',
    'duplicate_report', 'the hint shows how to see the duplicates'
);

-- arguments
SELECT throws_ok(
    'SELECT pgimport.insert_job(NULL)', 'PI001', NULL, 'a job must be given'
);
SELECT throws_ok(
    $$SELECT pgimport.insert_job('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);
SELECT throws_ok(
    format($$SELECT pgimport.insert_job(%L, '{"batch_rows": 1000}')$$, :'job'),
    'PI004', NULL, 'batch_rows is not available yet'
);
SELECT throws_ok(
    format($$SELECT pgimport.insert_job(%L, '{"dryrun": true}')$$, :'job'),
    'PI002', NULL, 'an unknown option is refused'
);
SELECT throws_ok(
    format($$SELECT pgimport.insert_job(%L, '{"dry_run": "yes"}')$$, :'job'),
    'PI003', NULL, 'a wrong value of an option is refused'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', pgimport_test.new_job()), 'PI102', NULL,
    'a job that is not checked is not inserted'
);

SELECT * FROM finish();
ROLLBACK;
