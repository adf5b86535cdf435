BEGIN;
\ir ../setup.psql
SELECT plan(16);
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir ../90_admin/roles.psql

SELECT pgimport_test.codes_target();
CREATE ROLE pgimport_test_worker IN ROLE pgimport_test_ann;
GRANT USAGE ON SCHEMA pgimport_test TO pgimport_test_worker;
SELECT pgimport.grant_usage('pgimport_test_worker', 'importer');
SELECT pgimport.grant_usage('pgimport_test_viewer', 'viewer');

-- a trigger that notes whose rights it has
CREATE TABLE pgimport_test.seen (
    who text, is_superuser text, tried text
);
GRANT INSERT ON pgimport_test.seen TO pgimport_test_ann;
CREATE FUNCTION pgimport_test.note()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_tried text;
BEGIN
    BEGIN
        PERFORM set_config('role', 'none', true);
        v_tried := 'took the role of the worker';
    EXCEPTION WHEN insufficient_privilege THEN
        v_tried := 'refused';
    END;
    INSERT INTO pgimport_test.seen
    VALUES (current_user, current_setting('is_superuser'), v_tried);
    RETURN new;
END;
$$;
CREATE TRIGGER note BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.note();

-- ann's job
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', $$SELECT pgimport_test.checked_job('{A}')$$
) AS job \gset

SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format('SELECT pgimport.submit_job(%L)', :'job')),
    'PI101', 'a job of somebody else is not submitted'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_viewer', format('SELECT pgimport.submit_job(%L)', :'job')
    ), '42501', 'a viewer submits nothing'
);
SELECT is(
    (
        pgimport_test.answer_as(
            'pgimport_test_ann', format('SELECT pgimport.submit_job(%L)', :'job')
        )::jsonb ->> 'state'
    ), 'waiting', 'its owner submits it'
);
SELECT
    is(
        pgimport_test.answer_as(w.who, 'SELECT count(*) FROM pgimport.list_queue()'), w.sees,
        format('%s sees %s of it', w.who, w.sees)
    )
FROM (
    VALUES
    ('pgimport_test_ann', '1'), ('pgimport_test_lead', '1'), ('pgimport_test_worker', '1'),
    ('pgimport_test_admin', '1'), ('pgimport_test_bob', '0'), ('pgimport_test_viewer', '0'),
    ('pgimport_test_nobody', '42501')
) AS w (who, sees);
SELECT
    is(
        pgimport_test.answer_as(
            w.who, 'SELECT coalesce(pgimport.claim_job(''w'') ->> ''job_id'', ''none'')'
        ), w.answer, format('%s may not take it', w.who)
    )
FROM (
    VALUES
    ('pgimport_test_bob', 'none'), ('pgimport_test_viewer', '42501'),
    -- an administrator sees the job; it is not one of the owner for that
    ('pgimport_test_admin', 'none')
) AS w (who, answer);

SELECT current_setting('search_path') AS path, current_setting('role') AS role \gset
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_worker',
        'SELECT concat_ws('' '', r.answer ->> ''status'', current_user) '
        'FROM (SELECT pgimport.run_next_job(''w'') AS answer) AS r'
    ), 'completed pgimport_test_worker', 'a member of the owner runs it, and is itself afterwards'
);
SELECT is(
    (
        SELECT format('%s %s %s', s.who, s.is_superuser, s.tried) FROM pgimport_test.seen AS s
    ), 'pgimport_test_ann off refused',
    'the table''s triggers had the rights of the owner, and could not take others'
);
SELECT is(
    concat_ws(' ', current_setting('search_path'), current_setting('role')),
    concat_ws(' ', :'path', :'role'), 'path and role are as before'
);

\else
SELECT skip('only a superuser makes roles here', 16);
\endif

SELECT * FROM finish();
ROLLBACK;
