-- Each role sees only its own jobs: one of another role does not exist for it.
BEGIN;
\ir ../setup.psql
SELECT plan(41);
SELECT pgimport_test.codes_target();
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir roles.psql

-- the whole life as an importer
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', $$SELECT pgimport_test.checked_job('{A,B}')$$
) AS job \gset
SELECT matches(:'job'::text, '^[0-9a-f-]{36}$', 'an importer stages and checks a job');
SELECT is(
    (
        SELECT j.owner_role FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'pgimport_test_ann',
    'it belongs to that role'
);
SELECT is(
    (
        SELECT string_agg(DISTINCT pg_catalog.pg_get_userbyid(c.relowner), ',')
        FROM pg_catalog.pg_class AS c
        WHERE c.relname LIKE concat('job_', replace(:'job', '-', ''), '%')
    ),
    'pgimport_test_ann', 'and so do its staged rows'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.insert_job(%L) ->> ''rows_inserted''', :'job'
    )),
    '2', 'it is inserted with the rights of its importer'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.verify_job(%L) ->> ''verified''', :'job'
    )),
    'true', 'and verified'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', 'SELECT count(*) FROM pgimport.list_jobs()'),
    '1', 'who sees it in the history'
);

-- another importer
SELECT
    is(
        pgimport_test.answer_as('pgimport_test_bob', format(w.statement, :'job')), 'PI101',
        format('for another importer that job does not exist: %s', w.statement)
    )
FROM (
    VALUES
    ('SELECT pgimport.get_job(%L)'),
    ('SELECT 1 FROM pgimport.job_events(%L)'),
    ('SELECT pgimport.cancel_job(%L)'),
    ('SELECT pgimport.stage_file(%L, ''b.csv'', ''{code}'')'),
    ('SELECT pgimport.finish_file(%L, 1, 2)'),
    ('SELECT pgimport.add_issues(%L, 1, ''[]'')'),
    ('SELECT pgimport.set_mapping(%L, ''{}'')'),
    ('SELECT pgimport.clear_staging(%L)'),
    ('SELECT pgimport.check_job(%L)'),
    ('SELECT pgimport.preview_job(%L)'),
    ('SELECT pgimport.insert_job(%L)'),
    ('SELECT pgimport.verify_job(%L)'),
    ('SELECT pgimport.plan_rollback(%L)'),
    ('SELECT pgimport.rollback_job(%L)'),
    ('SELECT pgimport.disable_rollback(%L, ''mine'')')
) AS w (statement);
SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format('SELECT %s FROM (VALUES (1)) AS v (n)', (
        SELECT string_agg(format('(SELECT count(*) FROM pgimport.%I)', t.name), ' + ')
        FROM unnest('{job,file,issue,job_event,job_write}'::text[]) AS t (name)
    ))),
    '0', 'nor is anything of it in the tables'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format(
        'WITH u AS (UPDATE pgimport.job SET actor = ''bob'' WHERE job_id = %L RETURNING 1) '
        'SELECT count(*) FROM u', :'job'
    )),
    '0', 'an UPDATE does not reach it'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format(
        'INSERT INTO pgimport.job_event (job_id, event) VALUES (%L, ''forged'') RETURNING 1', :'job'
    )),
    '42501', 'its log takes no line of others'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_bob',
        'INSERT INTO pgimport.job (job_id, target_id, owner_role) SELECT gen_random_uuid(), '
        'target_id, ''pgimport_test_ann'' FROM pgimport.target WHERE name = ''codes'' RETURNING 1'
    ),
    '42501', 'nobody makes a job in the name of another'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format(
        'SELECT count(*) FROM pgimport_staging.job_%s', replace(:'job', '-', '')
    )),
    '42501', 'nor reads the staged rows of another'
);

-- keys and clearing reach the own jobs only
SELECT pgimport_test.answer_as(
    'pgimport_test_ann',
    $$SELECT pgimport.create_job('codes', '{"idempotency_key": "k"}') ->> 'job_id'$$
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_bob',
        $$SELECT pgimport.create_job('codes', '{"idempotency_key": "k"}') ->> 'existing'$$
    ),
    'false', 'an idempotency key of one role means nothing to another'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_bob', $$SELECT pgimport.clear_target_staging('codes') ->> 'cleared_rows'$$
    ),
    '0', 'clearing a target clears the own jobs only'
);

-- those who see more
SELECT is(
    pgimport_test.answer_as('pgimport_test_lead', format(
        'SELECT pgimport.get_job(%L) ->> ''status''', :'job'
    )),
    'completed', 'a member of the owner role sees its jobs'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', format(
        'SELECT pgimport.get_job(%L) ->> ''status''', :'job'
    )),
    'completed', 'an admin sees every job'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', 'SELECT count(*) FROM pgimport.list_jobs()'),
    (SELECT count(*)::text FROM pgimport.job), 'all of them in the history'
);

-- rights on the target are not pgimport's to give
REVOKE DELETE ON pgimport_test.codes FROM pgimport_test_ann;
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', format(
        'SELECT pgimport.rollback_job(%L, p_reason => ''test'')', :'job'
    )),
    '42501', 'an admin without rights on the target rolls nothing back'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.rollback_job(%L, p_reason => ''test'')', :'job'
    )),
    '42501', 'nor does an importer who may not delete there'
);
GRANT DELETE ON pgimport_test.codes TO pgimport_test_ann;
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.rollback_job(%L, p_reason => ''test'') ->> ''rows_deleted''', :'job'
    )),
    '2', 'who may, does'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.codes), 0::bigint, 'and the rows are gone'
);

-- when others who may act on a job
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', $$SELECT pgimport_test.checked_job('{C,D}')$$
) AS job \gset
SELECT pgimport.stage_file(:'job', 'b.csv', '{merchant_id,code}');
SELECT pgimport.finish_file(:'job', 2, 0);
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '2', 'a superuser stages and checks for others'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.check_job(%L) ->> ''clean_count''', :'job'
    )),
    '2', 'which does not lock the owner of the job out'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_lead', format(
        'SELECT pgimport.validate_job(%L) ->> ''total_rows''', :'job'
    )),
    '2', 'nor does a member of the owner role, who may do all that the owner may'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_lead', format(
        'SELECT pgimport.mark_duplicates(%L) ->> ''clean_count''', :'job'
    )),
    '2', 'step by step, too'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.insert_job(%L) ->> ''rows_inserted''', :'job'
    )),
    '2', 'the owner inserts what the other checked'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.clear_staging(%L) ->> ''cleared_rows''', :'job'
    )),
    '2', 'and frees it'
);
\else
SELECT skip('the role of this suite may not create roles', 41);
\endif

SELECT * FROM finish();
ROLLBACK;
