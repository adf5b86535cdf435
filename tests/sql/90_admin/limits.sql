-- set_limit() bounds what roles and tenants have under way; limits of several sessions at once are
-- tried in tests/python/test_limits.py.
BEGIN;
\ir ../setup.psql

SELECT plan(38);

SELECT pgimport_test.codes_target() AS target \gset
SELECT current_user AS me \gset

SELECT throws_ok($$SELECT pgimport.set_limit(NULL)$$, 'PI001', NULL, 'limits must be given');
SELECT throws_ok(
    $$SELECT pgimport.set_limit('{"role": "x"}')$$, 'PI001', NULL, 'one limit at least is given'
);
SELECT throws_ok(
    $$SELECT pgimport.set_limit('{"jobs": 1}')$$, 'PI002', NULL, 'an unknown key is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.set_limit('[1]')$$, 'PI003', NULL, 'limits are an object'
);
SELECT
    throws_ok(
        format($$SELECT pgimport.set_limit(%L)$$, w.limits), 'PI003', NULL, w.why
    )
FROM (
    VALUES
    ('{"running_jobs": -1}', 'fewer than no jobs are refused'),
    ('{"running_jobs": 1.5}', 'half a job is refused'),
    ('{"running_jobs": 1001}', 'more jobs than there are slots are refused'),
    ('{"running_jobs": "2"}', 'a number of jobs is no text'),
    ('{"staged_bytes": "much"}', 'bytes are a number'),
    ('{"staged_bytes": true}', 'bytes are no truth'),
    ('{"staged_bytes": "999999999999999 TB"}', 'more bytes than can be counted are refused'),
    ('{"staged_bytes": 1e300}', 'a number beyond all sizes is refused'),
    ('{"role": 5, "running_jobs": 1}', 'a role is a name'),
    ('{"tenant": "", "running_jobs": 1}', 'a tenant has a name'),
    ('{"role": "nobody of this name", "running_jobs": 1}', 'a role that is not there is refused')
) AS w (limits, why);

SELECT is(
    pgimport_test.pick(
        pgimport.set_limit('{"running_jobs": 3, "staged_bytes": "10 GB"}'),
        'success', 'message', 'role', 'tenant', 'running_jobs', 'staged_bytes'
    ),
    'success=true message=all jobs: 3 jobs at once, 10 GB staged role=null tenant=null '
    'running_jobs=3 staged_bytes=10737418240', 'a limit of all jobs together is set'
);
SELECT is(
    pgimport.set_limit('{"running_jobs": 4}') ->> 'staged_bytes', '10737418240',
    'what is not given stays'
);
SELECT is(
    pgimport.set_limit('{"staged_bytes": null}') ->> 'message', 'all jobs: 4 jobs at once',
    'null takes a limit away'
);
SELECT lives_ok(
    $$SELECT pgimport.set_limit('{"tenant": "north", "staged_bytes": 1048576}')$$,
    'a tenant has limits of its own'
);
SELECT is(
    (
        SELECT
            string_agg(
                concat_ws(
                    ' ', l.role_name, l.tenant, l.running_jobs, l.running_now, l.staged_bytes,
                    l.staged_now
                ), '; '
            )
        FROM pgimport.list_limits() AS l
    ),
    '4 0; north 1048576 0', 'limits are listed with what counts against them'
);
SELECT is(
    pgimport.set_limit('{"running_jobs": null}') ->> 'message', 'all jobs: no limit',
    'without any limit nothing is left of it'
);
SELECT is(
    (SELECT count(*) FROM pgimport.job_limit), 1::bigint, 'only the limit of the tenant is kept'
);
SELECT lives_ok(
    $$SELECT pgimport.set_limit('{"role": "gone for long", "staged_bytes": null}')$$,
    'the limit of a role that is gone can be taken away'
);

-- staged bytes
SELECT pgimport_test.new_job('{"tenant": "north"}') AS north \gset
SELECT pgimport_test.new_job('{"tenant": "south"}') AS south \gset
SELECT throws_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'a.csv', '{merchant_id,code}', '{"bytes": 2000000}')$$,
        :'north'
    ), 'PI606', NULL, 'a file that says to be too large is refused before it is loaded'
);
SELECT lives_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'a.csv', '{merchant_id,code}', '{"bytes": 2000000}')$$,
        :'south'
    ), 'the limit of one tenant does not hold for another'
);
SELECT lives_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'a.csv', '{merchant_id,code}', '{"bytes": 900000}')$$,
        :'north'
    ), 'a file that fits is opened'
);
SELECT throws_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'b.csv', '{merchant_id,code}', '{"bytes": 900000}')$$,
        :'north'
    ), 'PI606', NULL, 'a file that is open counts with the size it was said to have'
);
SELECT pgimport.clear_staging(:'north') AS cleared \gset
SELECT lives_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'b.csv', '{merchant_id,code}', '{"bytes": 900000}')$$,
        :'north'
    ), 'what was cleared makes room'
);
SELECT pgimport.cancel_job(:'north') AS cancelled \gset
SELECT pgimport_test.new_job('{"tenant": "north"}') AS north \gset
SELECT pgimport.set_limit('{"tenant": "north", "staged_bytes": 8192}') AS small \gset
SELECT throws_ok(
    format(
        $$SELECT pgimport_test.stage(%L, '{merchant_id,code,sku}', ARRAY(
            SELECT format('%%s,%%s,x', pgimport_test.merchant(), i)
            FROM generate_series(1, 1000) AS i
        ))$$, :'north'
    ), 'PI606', NULL, 'a file that told no size is measured when it is closed'
);
SELECT is(
    (
        SELECT l.staged_now FROM pgimport.list_limits() AS l
        WHERE l.tenant = 'north'
    ), 0::bigint,
    'what was refused is not staged'
);
SELECT pgimport.set_limit('{"tenant": "north", "staged_bytes": null}') AS none \gset

-- running jobs
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport_test.completed_job('{C,D}') AS done \gset
SELECT pgimport.set_limit(jsonb_build_object('role', :'me', 'running_jobs', 0)) AS none \gset
SELECT
    throws_ok(
        format($$SELECT pgimport.%s(%L)$$, w.function_name, w.job_id), 'PI605', NULL,
        format('%s has to wait where no slot is free', w.function_name)
    )
FROM (
    VALUES
    ('insert_job', :'job'), ('rehearse_job', :'job'), ('rollback_job', :'done')
) AS w (function_name, job_id);
SELECT is(
    pgimport_test.pick(pgimport.get_job(:'job'), 'status'), 'status=checked',
    'a job that had to wait is as it was'
);
SELECT pgimport.set_limit(jsonb_build_object('role', :'me', 'running_jobs', 1)) AS one \gset
SELECT lives_ok(
    format($$SELECT pgimport.insert_job(%L)$$, :'job'), 'a free slot is taken'
);
SELECT lives_ok(
    $$SELECT pgimport_test.completed_job('{E}')$$, 'a session counts once, whatever it does'
);
SELECT is(
    (SELECT l.running_now FROM pgimport.list_limits() AS l), 1,
    'the list shows the session at work'
);
SELECT pgimport.rollback_job(:'done') AS undone \gset
SELECT pgimport.set_limit(jsonb_build_object('role', :'me', 'running_jobs', 0)) AS none \gset
SELECT throws_ok(
    format($$SELECT pgimport.redo_job(%L)$$, :'done'), 'PI605', NULL,
    'redo_job has to wait where no slot is free'
);

SELECT * FROM finish();
ROLLBACK;
