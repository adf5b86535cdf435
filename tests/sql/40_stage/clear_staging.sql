BEGIN;
\ir ../setup.psql
SELECT plan(27);
SELECT pgimport_test.codes_target();

-- the number of tables and views a job has in staging
CREATE FUNCTION pgimport_test.staged_things(p_job_id uuid)
RETURNS bigint
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $staged_things$
    SELECT count(*) FROM pg_class AS c
    WHERE c.relnamespace = 'pgimport_staging'::regnamespace
        AND c.relname LIKE concat('job\_', replace(p_job_id::text, '-', ''), '%')
        AND c.relkind IN ('r', 'p', 'v')
$staged_things$;

SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT is(pgimport_test.staged_things(:'job'), 5::bigint, 'a checked job has its staging');
SELECT pgimport.clear_staging(:'job') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{cleared_rows,counts,details,job_id,message,remaining_rows,status,success,target,
        warnings}'::text[],
    'cleared staging answers with every documented key'
);
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'success', 'status', 'cleared_rows', 'remaining_rows', 'counts.clean_rows'
    ),
    'success=true status=staging cleared_rows=2 remaining_rows=0 counts.clean_rows=null',
    'a job that is not inserted goes back to waiting for files'
);
SELECT is(pgimport_test.staged_things(:'job'), 0::bigint, 'nothing is left of its staging');
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI306', NULL, 'there is nothing to check'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI102', NULL, 'nor to insert'
);
SELECT throws_ok(
    format('SELECT pgimport.finish_file(%L, 1, 2)', :'job'), 'PI302', NULL,
    'a cleared file is not closed'
);
SELECT is(
    pgimport.clear_staging(:'job') ->> 'cleared_rows', '0', 'clearing it again is no fault'
);
SELECT is(
    pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('C')),
    2, 'it takes new files'
);
SELECT is(
    pgimport_test.stage(
        :'job', '{merchant_id,code,sku}', pgimport_test.code_lines('D'), '{"file_no": 1}'
    ),
    1, 'and a cleared one again'
);
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '2', 'and goes on with these');

-- other states
SELECT is(
    pgimport.clear_staging(pgimport_test.new_job()) ->> 'status', 'pending',
    'a job without files stays pending'
);
SELECT pgimport_test.completed_job('{E,F}') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.clear_staging(:'job'), 'status', 'cleared_rows', 'counts.rows_inserted',
        'counts.clean_rows'
    ),
    'status=completed cleared_rows=2 counts.rows_inserted=2 counts.clean_rows=2',
    'a completed job stays completed, with its counts'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 2::bigint, 'its rows in the target stay'
);
SELECT is(
    pgimport.rollback_job(:'job', p_reason => 'test') ->> 'rows_deleted', '2',
    'and it can be rolled back all the same'
);
SELECT is(
    pgimport.clear_staging(:'job') ->> 'status', 'rolled_back', 'then it is rolled back'
);
SELECT pgimport_test.checked_job('{A}') AS job \gset
UPDATE pgimport.job SET status = 'inserting'
WHERE job_id = :'job';
SELECT throws_ok(
    format('SELECT pgimport.clear_staging(%L)', :'job'), 'PI102', NULL,
    'the rows of a job that is being inserted are not cleared'
);
SELECT throws_ok(
    $$SELECT pgimport.clear_staging(NULL)$$, 'PI001', NULL, 'a job must be named'
);
SELECT throws_ok(
    $$SELECT pgimport.clear_staging('00000000-0000-0000-0000-000000000000')$$, 'PI101', NULL,
    'one that is there'
);

-- all jobs of a target
SELECT pgimport.register_target('pgimport_test.codes', 'other', '{code,merchant_id}');
SELECT pgimport_test.new_job('{"tenant": "north"}', 'other') AS north \gset
SELECT pgimport_test.stage(:'north', '{merchant_id,code,sku}', pgimport_test.code_lines('A'));
SELECT pgimport_test.new_job('{"tenant": "south"}', 'other') AS south \gset
SELECT pgimport_test.stage(
    :'south', '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'B', 'C')
);
SELECT pgimport.clear_target_staging('other', 'north') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{cleared_rows,counts,details,job_id,jobs,message,remaining_rows,status,success,target,
        warnings}'::text[],
    'clearing a target answers with every documented key'
);
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'success', 'target', 'cleared_rows', 'remaining_rows', 'jobs.0', 'jobs.1'
    ),
    format(
        'success=true target=pgimport_test.codes cleared_rows=1 remaining_rows=3 jobs.0=%s '
        'jobs.1=null', :'north'
    ),
    'one tenant''s jobs are cleared, the others'' rows are counted as remaining'
);
SELECT is(
    pgimport_test.staged_things(:'south') > 0 AND pgimport_test.staged_things(:'north') = 0,
    true, 'and really stay'
);
SELECT is(
    pgimport_test.pick(
        pgimport.clear_target_staging('other'), 'cleared_rows', 'remaining_rows'
    ),
    'cleared_rows=3 remaining_rows=0', 'without a tenant all are cleared'
);
SELECT is(
    pgimport_test.pick(pgimport.clear_target_staging('other'), 'cleared_rows', 'jobs'),
    'cleared_rows=0 jobs=[]', 'then there is none'
);
SELECT is(
    pgimport_test.staged_things(:'job') > 0, true, 'jobs of other targets are left alone'
);
SELECT throws_ok(
    $$SELECT pgimport.clear_target_staging('nope')$$, 'PI201', NULL, 'a target must be registered'
);
SELECT throws_ok(
    $$SELECT pgimport.clear_target_staging(NULL)$$, 'PI001', NULL, 'and named'
);

SELECT * FROM finish();
ROLLBACK;
