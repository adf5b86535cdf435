-- A target may say who rolls back jobs of others: the members of its rollback_role, nobody else.
BEGIN;
\ir ../setup.psql
SELECT plan(31);
SELECT pgimport_test.codes_target();
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir roles.psql
CREATE ROLE pgimport_test_undo;
CREATE ROLE pgimport_test_uma IN ROLE pgimport_test_undo;
GRANT USAGE ON SCHEMA pgimport_test TO pgimport_test_uma;
GRANT SELECT, UPDATE, DELETE ON pgimport_test.codes TO pgimport_test_uma, pgimport_test_admin;
GRANT UPDATE ON pgimport_test.codes TO pgimport_test_ann;
SELECT pgimport.grant_usage('pgimport_test_uma', 'importer');

-- a job of ann on these codes, inserted
CREATE FUNCTION pgimport_test.ann_job(VARIADIC p_codes text[])
RETURNS uuid
LANGUAGE sql
VOLATILE
RETURN pgimport_test.answer_as('pgimport_test_ann', format(
    'SELECT pgimport_test.completed_job(%L, ''{"on_duplicate": "update"}'')', p_codes
))::uuid;

-- what rollback_job answers that role
CREATE FUNCTION pgimport_test.rollback_as(p_role text, p_job_id uuid)
RETURNS text
LANGUAGE sql
VOLATILE
RETURN pgimport_test.answer_as(p_role, format(
    'SELECT pgimport_test.pick(pgimport.rollback_job(%L), ''success'', ''rows_deleted'', '
    '''rows_restored'')', p_job_id
));

-- without the option
INSERT INTO pgimport_test.codes (merchant_id, code, sku)
VALUES (pgimport_test.merchant(), 'OLD', 'before');
SELECT pgimport_test.ann_job('A', 'OLD') AS job \gset
SELECT is(
    pgimport_test.rollback_as('pgimport_test_uma', :'job'), 'PI101',
    'without a rollback_role a job of another role does not exist for an importer'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'),
    'success=true rows_deleted=1 rows_restored=1',
    'and administrators roll it back, from its before-images, too'
);

-- with it
SELECT is(
    pgimport_test.pick(
        pgimport.register_target(
            'pgimport_test.codes', 'codes', '{code,merchant_id}',
            '{"rollback_role": "pgimport_test_undo"}'
        ), 'success'
    ), 'success=true', 'a target names the role whose members roll back jobs of others'
);
SELECT pgimport_test.ann_job('A', 'OLD') AS job \gset
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI507',
    'then an administrator who is no member does not'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', format(
        'SELECT pgimport_test.pick(pgimport.plan_rollback(%L), ''eligible'', ''reasons.0.code'')',
        :'job'
    )), 'eligible=false reasons.0.code=PI507', 'as his plan says'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_bob', :'job'), 'PI101',
    'for an importer who is no member there is no such job'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'SELECT pgimport.get_job(%L) ->> ''status''', :'job'
    )), 'completed', 'a member sees the job'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'SELECT count(*) FROM pgimport.job_events(%L) WHERE event = ''created''', :'job'
    )), '1', 'and its log'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'SELECT pgimport_test.pick(pgimport.plan_rollback(%L), ''eligible'', ''delete'', '
        '''restore'')', :'job'
    )), 'eligible=true delete=1 restore=1', 'and its plan'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'SELECT pgimport.verify_job(%L) ->> ''verified''', :'job'
    )), 'true', 'and verifies it'
);

-- a member does nothing else
SELECT
    is(
        pgimport_test.answer_as('pgimport_test_uma', format(w.statement, :'job')), w.code,
        format('a member does nothing but roll back: %s', w.statement)
    )
FROM (
    VALUES
    ('SELECT pgimport.clear_staging(%L)', '42501'),
    (
        'WITH u AS (UPDATE pgimport.file SET file_name = ''x'' WHERE job_id = %L RETURNING 1) '
        'SELECT count(*) FROM u', '0'
    ),
    (
        'INSERT INTO pgimport.issue (job_id, file_no, code, message) '
        'VALUES (%L, 1, ''x'', ''x'') RETURNING 1', '42501'
    ),
    ('UPDATE pgimport.job SET owner_role = ''pgimport_test_uma'' WHERE job_id = %L', 'PI104')
) AS w (statement, code);
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', $$SELECT pgimport_test.checked_job('{Z}')$$
) AS checked \gset
SELECT
    is(
        pgimport_test.answer_as('pgimport_test_uma', format(w.statement, :'checked')), 'PI101',
        format('a job that is not completed does not exist for him: %s', w.statement)
    )
FROM (
    VALUES
    ('SELECT pgimport.get_job(%L)'), ('SELECT pgimport.cancel_job(%L)'),
    ('SELECT pgimport.insert_job(%L)')
) AS w (statement);

-- he rolls back, with his own rights
REVOKE DELETE ON pgimport_test.codes FROM pgimport_test_uma;
SELECT is(
    pgimport_test.rollback_as('pgimport_test_uma', :'job'), '42501',
    'without rights on the table the role gives none'
);
GRANT DELETE ON pgimport_test.codes TO pgimport_test_uma;
SELECT is(
    pgimport_test.rollback_as('pgimport_test_uma', :'job'),
    'success=true rows_deleted=1 rows_restored=1', 'with them a member rolls the job back'
);
SELECT is(
    (
        SELECT format('%s %s', j.status, j.rolled_back_by) FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), 'rolled_back pgimport_test_uma', 'who did it is recorded'
);
SELECT is(
    (
        SELECT string_agg(concat(c.code, ' ', c.sku), ',') FROM pgimport_test.codes AS c
    ), 'OLD before', 'and the table is as it was'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format('SELECT pgimport.redo_job(%L)', :'job')),
    '42501', 'to redo it is its owner''s affair'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport_test.pick(pgimport.redo_job(%L), ''success'', ''rows_inserted'', '
        '''rows_updated'')', :'job'
    )), 'success=true rows_inserted=1 rows_updated=1', 'who does'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_uma', :'job'),
    'success=true rows_deleted=1 rows_restored=1', 'and a member rolls that back as well'
);

-- the owner, those who have its rights, a superuser
SELECT pgimport_test.ann_job('B') AS own \gset
SELECT is(
    pgimport_test.rollback_as('pgimport_test_ann', :'own'),
    'success=true rows_deleted=1 rows_restored=0', 'a role rolls back its own jobs'
);
SELECT pgimport_test.ann_job('B') AS own \gset
SELECT is(
    pgimport_test.rollback_as('pgimport_test_lead', :'own'),
    'success=true rows_deleted=1 rows_restored=0', 'so does one that has its rights'
);
SELECT pgimport_test.ann_job('B') AS own \gset
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'own'), 'success', 'rows_deleted'),
    'success=true rows_deleted=1', 'a superuser rolls back any'
);

-- closing
SELECT pgimport_test.ann_job('C') AS closed \gset
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'SELECT pgimport.disable_rollback(%L, ''booked'') ->> ''success''', :'closed'
    )), 'true', 'a member may close a rollback'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_uma', :'closed'), 'PI503',
    'after which he cannot do it either'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_uma', format(
        'UPDATE pgimport.job SET rollback_disabled_at = NULL WHERE job_id = %L', :'closed'
    )), 'PI104', 'nor open it again'
);

-- the role is gone
SELECT pgimport_test.ann_job('D') AS late \gset
UPDATE pgimport.target SET options = '{"rollback_role": "pgimport_test_gone"}'
WHERE name = 'codes';
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'late'), 'PI507',
    'where the role that is named is gone nobody is a member'
);
\else
SELECT skip('the role of this suite may not create roles', 31);
\endif

SELECT * FROM finish();
ROLLBACK;
