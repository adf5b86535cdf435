BEGIN;
\ir ../setup.psql
SELECT plan(26);
SELECT pgimport_test.codes_target();

-- the answer
SELECT pgimport.create_job('codes', '{"source": "psql", "source_info": "night run",
    "actor": "ann", "tenant": "north", "max_issues": 5, "max_issue_ratio": 0.1,
    "max_duplicate_ratio": 1, "on_duplicate": "skip", "keep": "first", "on_issue": "skip",
    "assignment": {"mode": "none"}, "durable": true}') AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{counts,details,existing,job_id,message,status,success,target,warnings}'::text[],
    'a new job answers with every documented key'
);
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'::jsonb -> 'counts'),
    '{both_duplicates,clean_rows,database_duplicates,files,internal_duplicates,invalid_rows,
        rows_deleted,rows_inserted,rows_kept,rows_rejected,rows_restored,rows_skipped,
        rows_unchanged,rows_updated,total_rows}'::text[],
    'and with every documented count'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'target', 'counts.files', 'existing'),
    'success=true status=pending target=pgimport_test.codes counts.files=0 existing=false',
    'it is pending, has no file and belongs to its target'
);
SELECT is(
    pgimport_test.pick(
        pgimport.get_job((:'answer'::jsonb ->> 'job_id')::uuid),
        'source', 'source_info', 'actor', 'tenant', 'options.max_issues', 'options.durable',
        'target_name'
    ),
    'source=psql source_info=night run actor=ann tenant=north options.max_issues=5 '
    'options.durable=true target_name=codes',
    'what the job was given is kept with it'
);
SELECT is(
    (
        SELECT format('%s %s %s', e.event, e.to_status, e.actor)
        FROM pgimport.job_events((:'answer'::jsonb ->> 'job_id')::uuid) AS e
    ),
    'created pending ann', 'its log begins with its creation'
);
SELECT isnt(
    pgimport_test.new_job('{}', 'pgimport_test.codes'), NULL,
    'the only target of a table is also found by the table''s name'
);
SELECT is(
    pgimport.create_job('codes', NULL) ->> 'success', 'true', 'without options a job has defaults'
);
SELECT is(
    pgimport.create_job('codes', 'null') ->> 'success', 'true', 'a JSON null is no options'
);
SELECT ok(
    pgimport_test.new_job() < pgimport_test.new_job(), 'job ids grow with time'
);

-- what is refused
SELECT throws_ok(
    $$SELECT pgimport.create_job(NULL)$$, 'PI001', NULL, 'a job needs a target'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('nope')$$, 'PI201', NULL, 'a target must be registered'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"on_dupe": "skip"}')$$, 'PI002', NULL,
    'an unknown option is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '[]')$$, 'PI003', NULL, 'options must be an object'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"source": 1}')$$, 'PI003', NULL,
    'a source must be a text'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"durable": "yes"}')$$, 'PI003', NULL,
    'durable must be true or false'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"max_issues": -1}')$$, 'PI003', NULL,
    'a limit cannot be negative'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"max_issue_ratio": 1.5}')$$, 'PI003', NULL,
    'a ratio is at most 1'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"keep": "any"}')$$, 'PI003', NULL,
    'of duplicates the first or the last is kept'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"on_issue": "guess"}')$$, 'PI003', NULL,
    'an unknown way with issues is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"on_duplicate": "ignore"}')$$, 'PI003', NULL,
    'an unknown way with duplicates is refused'
);
SELECT pgimport_test.new_job('{"source": "modes"}') AS skip_job \gset
SELECT pgimport_test.new_job('{"source": "modes", "on_duplicate": "update"}') AS update_job \gset
SELECT pgimport_test.new_job('{"source": "modes", "on_duplicate": "error"}') AS error_job \gset
SELECT is(
    (
        SELECT string_agg(j.options ->> 'on_duplicate', ' ' ORDER BY j.job_id)
        FROM pgimport.job AS j
        WHERE j.source = 'modes'
    ),
    'skip update error', 'the way with duplicates is kept with the job, also where it is not given'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"force": "yes"}')$$, 'PI003', NULL,
    'force must be true or false'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"assignment": {"mode": "round_robin"}}')$$,
    'PI003', NULL, 'an assignment says what is assigned to whom'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"mapping": {"Code": "codex"}}')$$, 'PI206', NULL,
    'a mapping to a column that is not there is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes', '{"mapping": {"No": "id"}}')$$, 'PI207', NULL,
    'a mapping to a column that the database computes is refused'
);
ALTER TABLE pgimport_test.codes RENAME TO codes_before;
SELECT throws_ok(
    $$SELECT pgimport.create_job('codes')$$, 'PI205', NULL,
    'a target whose table is gone takes no job'
);

SELECT * FROM finish();
ROLLBACK;
