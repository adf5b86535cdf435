-- Under whose path and settings a rehearsal runs the code of the table.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(12);

-- a trigger that names a table without its schema
CREATE SCHEMA pgimport_other;
CREATE TABLE pgimport_other.audit (code text);
CREATE FUNCTION pgimport_other.note()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO audit VALUES (new.code);
    RETURN new;
END;
$$;
CREATE TRIGGER note AFTER INSERT ON pgimport_test.things
FOR EACH ROW EXECUTE FUNCTION pgimport_other.note();
SELECT current_setting('search_path') AS tap_path \gset

SELECT pgimport_test.things_job('{code}', 'a', 'b') AS job \gset
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'job')), '1 2 42P01; 2 3 42P01',
    'a trigger finds only what the caller''s search_path shows'
);
SELECT set_config('search_path', 'pgimport_other, ' || :'tap_path', true);
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'job'), 'passed'), 'passed=true',
    'triggers run under the caller''s search_path'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'job', p_search_path => :'tap_path'), 'failed'
    ), 'failed=2', 'or under the one given'
);
SELECT is(
    current_setting('search_path'), 'pgimport_other, ' || :'tap_path', 'which is kept'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_other.audit), 0,
    'what triggers write elsewhere is undone, too'
);

-- as a deferred constraint
DROP TRIGGER note ON pgimport_test.things;
CREATE CONSTRAINT TRIGGER note AFTER INSERT ON pgimport_test.things
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pgimport_other.note();
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'job'), 'passed'), 'passed=true',
    'and those of deferred constraints'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=2', 'in the insert as well'
);
DROP TRIGGER note ON pgimport_test.things;
SELECT set_config('search_path', :'tap_path', true);

-- what the caller left to be checked
SELECT pgimport_test.things_job('{code}', 'c', 'd') AS pending \gset
CREATE TABLE pgimport_test.unchecked (
    code text REFERENCES pgimport_test.things (code) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO pgimport_test.unchecked VALUES ('nowhere');
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L)', :'pending'), '23503', NULL,
    'a deferred constraint that the caller broke himself is not blamed on rows'
);
INSERT INTO pgimport_test.things (code) VALUES ('nowhere');
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'pending'), 'passed'), 'passed=true',
    'what is whole again is no obstacle'
);
DELETE FROM pgimport_test.things
WHERE code = 'nowhere';
SELECT throws_ok(
    'SET CONSTRAINTS ALL IMMEDIATE', '23503', NULL, 'and what was deferred is still to be checked'
);

-- somebody else's triggers
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset
\if :is_superuser
CREATE ROLE pgimport_test_owner;
DELETE FROM pgimport_test.unchecked;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE pgimport_test.things OWNER TO pgimport_test_owner;
SELECT pgimport_test.things_job('{code}', 'e') AS foreign_code \gset
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L)', :'foreign_code'), 'PI602', NULL,
    'a superuser does not run the triggers of somebody else''s table'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'foreign_code', 10, '{"allow_superuser": true}'), 'passed'
    ), 'passed=true', 'unless that is allowed'
);
\else
SELECT skip('needs a superuser', 2);
\endif

SELECT * FROM finish();
ROLLBACK;
