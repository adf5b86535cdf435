-- grant_usage() gives each level its rights and takes those of a higher one away. The role is one
-- that every server has; what it then really can do is tried where the tests may take its place.
BEGIN;
\ir ../setup.psql

SELECT plan(32);

-- what a role can do in the tables, as one word a right
CREATE FUNCTION pgimport_test.rights(
    p_table text
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $rights$
BEGIN
    RETURN (
        SELECT string_agg(r.name, ' ' ORDER BY r.place)
        FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[])
            WITH ORDINALITY AS r (name, place)
        WHERE has_table_privilege('pg_monitor', 'pgimport.' || p_table, r.name)
    );
END;
$rights$;

-- whether a role may call a function of pgimport
CREATE FUNCTION pgimport_test.may_call(
    p_name text
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
AS $may_call$
BEGIN
    RETURN (
        SELECT has_function_privilege('pg_monitor', p.oid, 'EXECUTE')
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace AND p.proname = p_name
    );
END;
$may_call$;

-- what a query answers to that role: a text, or the SQLSTATE of the refusal
CREATE FUNCTION pgimport_test.as_role(
    p_query text
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $as_role$
DECLARE
    v_answer text;
BEGIN
    PERFORM set_config('role', 'pg_monitor', true);
    EXECUTE p_query INTO v_answer;
    PERFORM set_config('role', 'none', true);
    RETURN v_answer;
EXCEPTION
    WHEN OTHERS THEN
        RETURN sqlstate;
END;
$as_role$;

SELECT throws_ok(
    $$SELECT pgimport.grant_usage('', 'viewer')$$, 'PI001', NULL, 'a role is required'
);
SELECT throws_ok(
    $$SELECT pgimport.grant_usage('pg_monitor', NULL)$$, 'PI001', NULL, 'a level is required'
);
SELECT throws_ok(
    $$SELECT pgimport.grant_usage('pg_monitor', 'king')$$, 'PI003', NULL,
    'a level that does not exist is refused'
);
SELECT throws_ok(
    $$SELECT pgimport.grant_usage('nobody of this name', 'viewer')$$, 'PI003', NULL,
    'a role that does not exist is refused'
);
SELECT is(
    pgimport_test.rights('job'), NULL, 'a role that was given nothing has no right in the tables'
);

SELECT pgimport_test.codes_target() AS target \gset
SELECT pgimport_test.completed_job('{A,B}') AS job \gset

SELECT is(
    pgimport.grant_usage('pg_monitor', 'viewer') ->> 'message',
    'role "pg_monitor" may use pgimport as viewer', 'the answer says what was given'
);
SELECT is(pgimport_test.rights('job'), 'SELECT', 'a viewer reads jobs');
SELECT is(pgimport_test.rights('job_event'), 'SELECT', 'a viewer reads the log');
SELECT ok(pgimport_test.may_call('list_jobs'), 'a viewer may list jobs');
SELECT ok(NOT pgimport_test.may_call('create_job'), 'a viewer may not start a job');
SELECT ok(
    NOT has_schema_privilege('pg_monitor', 'pgimport_staging', 'CREATE'), 'a viewer stages nothing'
);

SELECT lives_ok(
    $$SELECT pgimport.grant_usage('pg_monitor', 'importer')$$, 'a viewer can become an importer'
);
SELECT is(
    pgimport_test.rights('job'), 'SELECT INSERT UPDATE', 'an importer writes jobs, deletes none'
);
SELECT is(pgimport_test.rights('job_event'), 'SELECT INSERT', 'an importer adds to the log');
SELECT is(pgimport_test.rights('job_write'), 'SELECT INSERT', 'an importer records its writes');
SELECT is(pgimport_test.rights('target'), 'SELECT', 'an importer registers no target');
SELECT ok(pgimport_test.may_call('rollback_job'), 'an importer may roll back');
SELECT ok(NOT pgimport_test.may_call('register_target'), 'an importer may not register a target');
SELECT ok(
    has_schema_privilege('pg_monitor', 'pgimport_staging', 'CREATE'), 'an importer stages'
);

SELECT r.rolsuper AS is_super FROM pg_roles AS r
WHERE r.rolname = current_user \gset
\if :is_super
SELECT is(
    pgimport_test.as_role('SELECT count(*) FROM pgimport.list_jobs()'), '0',
    'an importer does not see jobs of others'
);
SELECT is(
    pgimport_test.as_role(format('SELECT pgimport.get_job(%L)', :'job')), 'PI101',
    'a job of others is answered as one that does not exist'
);
SELECT is(
    pgimport_test.as_role(
        'WITH u AS (UPDATE pgimport.job SET actor = ''me'' RETURNING 1) SELECT count(*) FROM u'
    ),
    '0', 'an importer changes no job of others'
);
SELECT is(
    pgimport_test.as_role(
        'INSERT INTO pgimport.job (job_id, target_id, owner_role) '
        'SELECT gen_random_uuid(), target_id, ''postgres'' FROM pgimport.target RETURNING job_id'
    ),
    '42501', 'an importer makes no job in the name of others'
);
SELECT is(
    pgimport_test.as_role(
        'INSERT INTO pgimport.job (job_id, target_id, status) '
        'SELECT gen_random_uuid(), target_id, ''completed'' FROM pgimport.target RETURNING job_id'
    ),
    '42501', 'an importer makes no job that begins as completed'
);
SELECT is(
    pgimport_test.as_role(
        'SELECT pgimport.grant_usage(''pg_monitor'', ''admin'')'
    ),
    '42501', 'an importer gives itself no right'
);
SELECT is(
    pgimport_test.as_role('SELECT pgimport.verify_install(true)'), 'PI601',
    'the deep check is for admins'
);
\else
SELECT skip('this role may not take the place of others', 7);
\endif

SELECT lives_ok(
    $$SELECT pgimport.grant_usage('pg_monitor', 'admin')$$, 'an importer can become an admin'
);
SELECT ok(pgimport_test.may_call('register_target'), 'an admin may register a target');
\if :is_super
SELECT is(
    pgimport_test.as_role('SELECT count(*) FROM pgimport.list_jobs()'), '1',
    'an admin sees the jobs of others'
);
SELECT is(
    pgimport_test.as_role('SELECT pgimport.grant_usage(''pg_monitor'', ''admin'')'), 'PI601',
    'rights are given by the owner alone'
);
\else
SELECT skip('this role may not take the place of others', 2);
\endif

SELECT pgimport.grant_usage('pg_monitor', 'viewer') AS answer \gset
SELECT is(
    concat_ws(', ', pgimport_test.rights('job'), pgimport_test.may_call('register_target')::text),
    'SELECT, false', 'whoever goes down a level keeps nothing of the higher one'
);
SELECT results_eq(
    $$SELECT g.role_name, g.level FROM pgimport.role_grant AS g$$,
    $$VALUES ('pg_monitor', 'viewer')$$,
    'the right is recorded once, as it is now'
);

SELECT * FROM finish();
ROLLBACK;
