BEGIN;
\ir ../setup.psql
SELECT plan(12);

SELECT pgimport_test.codes_target();

-- a trigger that names a table without its schema, and notes the session's settings
CREATE SCHEMA pgimport_other;
CREATE TABLE pgimport_other.audit (code text, action text, day_style text);
CREATE FUNCTION pgimport_other.note()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO audit
    VALUES (coalesce(new.code, old.code), tg_op, current_setting('search_path'));
    RETURN coalesce(new, old);
END;
$$;
CREATE TRIGGER note AFTER INSERT OR DELETE ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_other.note();

SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT pgimport_test.checked_job('{C}') AS lost \gset
SELECT current_setting('search_path') AS tap_path \gset

-- settings before and after
CREATE FUNCTION pgimport_test.settings()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT string_agg(format('%s=%s', s.name, s.setting), ';' ORDER BY s.name)
    FROM pg_catalog.pg_settings AS s
    WHERE s.context IN ('user', 'superuser');
END;

SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'lost'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=42P01',
    'a trigger finds only what the caller''s search_path shows'
);
SELECT set_config('search_path', 'pgimport_other, ' || :'tap_path', true);
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL lock_timeout = '7s';
SELECT pgimport_test.settings() AS before \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=2', 'triggers run under the caller''s search_path'
);
SELECT is(pgimport_test.settings(), :'before', 'after an insert every setting is as before');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.settings(), :'before', 'and after a repeated one');
SELECT pgimport.check_job(:'lost');
SELECT pgimport.insert_job(:'lost', '{"dry_run": true}');
SELECT is(pgimport_test.settings(), :'before', 'and after a check and a dry run');
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', pgimport_test.new_job()), 'PI102', NULL,
    'a refused insert'
);
SELECT is(pgimport_test.settings(), :'before', 'leaves them, too');
SELECT pgimport.verify_job(:'job');
SELECT pgimport.plan_rollback(:'job');
SELECT is(pgimport_test.settings(), :'before', 'and after verify and plan');
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_other.audit AS a
        WHERE a.action = 'INSERT'
    ), 2,
    'the trigger ran once a row'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'the triggers of a rollback run under the caller''s path, too'
);
SELECT is(pgimport_test.settings(), :'before', 'after which every setting is as before');
SELECT is(
    (
        SELECT count(*)::integer FROM pg_catalog.pg_cursors AS c
        WHERE c.name LIKE '%pgimport%'
    ), 0,
    'and no cursor is left open'
);

SELECT * FROM finish();
ROLLBACK;
