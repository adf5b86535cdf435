BEGIN;
\ir ../setup.psql
SELECT plan(36);

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

-- borders: issues of 0, 1 and 2 against limits of 0 and 1; ratios of an empty and of a whole file
CREATE FUNCTION pgimport_test.bordered(p_options jsonb, p_good integer, p_bad integer)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options);
BEGIN
    PERFORM pgimport_test.stage(
        v_job_id, '{merchant_id,code,points}',
        ARRAY(
            SELECT format('%s,G%s,%s', pgimport_test.merchant(), g,
                CASE WHEN g <= p_bad THEN 'x' ELSE '1' END)
            FROM generate_series(1, p_good + p_bad) AS g
        )
    );
    PERFORM pgimport.check_job(v_job_id);
    RETURN coalesce(pgimport.insert_job(v_job_id, '{"dry_run": true}') ->> 'code', 'inserts');
END;
$$;
SELECT is(
    (
        SELECT
            string_agg(
                pgimport_test.bordered(jsonb_build_object('max_issues', l), 5, n), ' ' ORDER BY l, n
            )
        FROM generate_series(0, 1) AS l CROSS JOIN generate_series(0, 2) AS n
    ),
    'inserts PI402 PI402 inserts inserts PI402',
    'max_issues is reached by as many issues and passed by one more'
);
SELECT is(
    (
        SELECT
            string_agg(
                pgimport_test.bordered(jsonb_build_object('max_issue_ratio', l), 4 - n, n), ' '
                ORDER BY l, n
            )
        FROM unnest('{0,0.25,1}'::numeric[]) AS l CROSS JOIN unnest('{0,1,2,4}'::integer[]) AS n
    ),
    'inserts PI402 PI402 PI402 inserts inserts PI402 PI402 inserts inserts inserts inserts',
    'max_issue_ratio: 0 allows no bad row, 1 allows them all, between them the very ratio'
);
SELECT is(
    (
        SELECT
            string_agg(
                pgimport_test.bordered(jsonb_build_object('on_issue', l), 1, n), ' ' ORDER BY l, n
            )
        FROM unnest('{abort,skip}'::text[]) AS l CROSS JOIN generate_series(0, 1) AS n
    ),
    'inserts PI402 inserts inserts', 'on_issue = abort: one bad row, and nothing is inserted'
);
SELECT
    is(
        pgimport_test.bordered(o, 0, 0), 'inserts', format('an empty file is within %s', o)
    )
FROM unnest(ARRAY[
        '{"max_issues": 0}', '{"max_issue_ratio": 0}', '{"max_duplicate_ratio": 0}',
        '{"on_issue": "abort"}'
    ]::jsonb[]) AS o;

-- records that were refused while reading, with an issue each, and nothing else
CREATE FUNCTION pgimport_test.refused_only(p_options jsonb)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options);
BEGIN
    PERFORM pgimport.stage_file(v_job_id, 'a.csv', '{merchant_id,code}');
    PERFORM pgimport.add_issues(v_job_id, 1, '[
        {"line_no": 2, "code": "ragged_row", "value": "a,b,c"},
        {"line_no": 3, "code": "ragged_row", "value": "a"}
    ]');
    PERFORM pgimport.finish_file(v_job_id, 1, 0, '{"rows_refused": 2}');
    PERFORM pgimport.check_job(v_job_id);
    RETURN coalesce(pgimport.insert_job(v_job_id, '{"dry_run": true}') ->> 'code', 'inserts');
END;
$$;
SELECT is(
    (
        SELECT string_agg(pgimport_test.refused_only(o), ' ' ORDER BY place)
        FROM unnest(ARRAY[
                '{}', '{"max_issues": 1}', '{"max_issues": 2}', '{"max_issue_ratio": 0.99}',
                '{"max_issue_ratio": 1}', '{"on_issue": "abort"}', '{"max_duplicate_ratio": 0}'
            ]::jsonb[]) WITH ORDINALITY AS q (o, place)
    ),
    'inserts PI402 inserts PI402 inserts PI402 inserts',
    'records refused while reading count as issues and as bad rows, also where nothing else is'
);

-- said before: by the check, the preview, the dry run
SELECT pgimport_test.limited('{"max_issues": 1}') AS job \gset
SELECT
    is(
        pgimport_test.pick(
            s.answer, 'would_insert', 'refused_because.code', 'refused_because.message'
        ),
        'would_insert=0 refused_because.code=PI402 '
        'refused_because.message=2 issues, at most 1 are allowed',
        s.step || ' says that the insert will be refused, and why'
    )
FROM (
    VALUES
    ('the check', pgimport.check_job(:'job')),
    ('the preview', pgimport.preview_job(:'job')),
    ('a dry run', pgimport.insert_job(:'job', '{"dry_run": true}'))
) AS s (step, answer);
SELECT pgimport_test.limited('{"max_issues": 2}') AS job \gset
SELECT
    is(
        pgimport_test.pick(s.answer, 'would_insert', 'refused_because'),
        'would_insert=6 refused_because=null', s.step || ' says how many rows will be inserted'
    )
FROM (
    VALUES
    ('the check', pgimport.check_job(:'job')),
    ('the preview', pgimport.preview_job(:'job')),
    ('a dry run', pgimport.insert_job(:'job', '{"dry_run": true}'))
) AS s (step, answer);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 1, 'and none of them wrote anything'
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
    format($$SELECT pgimport.insert_job(%L, '{"batch_rows": "some"}')$$, :'job'),
    'PI003', NULL, 'batch_rows is a number of rows'
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
