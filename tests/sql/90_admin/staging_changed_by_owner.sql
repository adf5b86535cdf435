-- Staging that its owner has put code into is not read by anybody else: it would run with the
-- reader's rights.
BEGIN;
\ir ../setup.psql

SELECT current_setting('is_superuser')::boolean AS is_super \gset

SELECT plan(9);

\if :is_super
CREATE ROLE pgimport_eve;
SELECT pgimport.grant_usage('pgimport_eve', 'importer') IS NULL AS done \gset
SELECT pgimport_test.codes_target() IS NULL AS done \gset
GRANT USAGE ON SCHEMA pgimport_test, tap TO pgimport_eve;
GRANT SELECT, INSERT ON pgimport_test.codes TO pgimport_eve;

SET LOCAL ROLE pgimport_eve;
SELECT pgimport_test.checked_job('{E1,E2}') AS job \gset
SELECT format('job_%s_mark', replace(:'job', '-', '')) AS mark \gset
RESET ROLE;

SELECT lives_ok(
    format('SELECT pgimport.preview_job(%L)', :'job'),
    'a superuser may look at a job of somebody else'
);

SET LOCAL ROLE pgimport_eve;
CREATE FUNCTION pg_temp.trojan() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RETURN new; END';
SELECT format(
    'CREATE TRIGGER trojan BEFORE INSERT ON pgimport_staging.%I '
    'FOR EACH ROW EXECUTE FUNCTION pg_temp.trojan()',
    :'mark'
) \gexec
RESET ROLE;

SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'a trigger on the marks is not run by a superuser who inserts'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI602', NULL,
    'nor by one who checks'
);
SELECT throws_ok(
    format('SELECT pgimport.preview_job(%L)', :'job'), 'PI602', NULL,
    'nor by one who looks'
);
SELECT throws_ok(
    format('SELECT * FROM pgimport.row_report(%L)', :'job'), 'PI602', NULL,
    'nor by one who reports'
);

SET LOCAL ROLE pgimport_eve;
SELECT lives_ok(
    format('SELECT pgimport.preview_job(%L)', :'job'), 'its owner may go on'
);
SELECT format('DROP TRIGGER trojan ON pgimport_staging.%I', :'mark') \gexec
RESET ROLE;
SELECT lives_ok(
    format('SELECT pgimport.preview_job(%L)', :'job'),
    'and everybody else, once it is gone'
);

SET LOCAL ROLE pgimport_eve;
SELECT format('job_%s_value', replace(:'job', '-', '')) AS value \gset
CREATE TYPE pg_temp.trojan_type AS (code text);
SELECT format(
    'ALTER TABLE pgimport_staging.%I ALTER COLUMN c3 TYPE pg_temp.trojan_type USING NULL', :'value'
) \gexec
RESET ROLE;
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'a column of a type that the owner made is not read by a superuser'
);
SET LOCAL ROLE pgimport_eve;
SELECT pgimport.check_job(:'job') IS NULL AS done \gset
RESET ROLE;
SELECT lives_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'until the owner has checked the job anew'
);
\else
SELECT skip('only a superuser makes roles here', 9);
\endif

SELECT * FROM finish();
ROLLBACK;
