-- Corrections of a job by somebody else than its owner: with nobody's rights but his own.
BEGIN;
\ir ../setup.psql
\ir fix_setup.psql

SELECT current_setting('is_superuser')::boolean AS is_super \gset

SELECT plan(9);

\if :is_super
CREATE ROLE pgimport_eve;
CREATE ROLE pgimport_bob;
SELECT pgimport.grant_usage('pgimport_eve', 'importer') IS NULL AS done \gset
SELECT pgimport.grant_usage('pgimport_bob', 'importer') IS NULL AS done \gset
SELECT pgimport_test.codes_target() IS NULL AS done \gset
GRANT USAGE ON SCHEMA pgimport_test, tap TO pgimport_eve, pgimport_bob;
GRANT SELECT, INSERT ON pgimport_test.codes TO pgimport_eve;

SET LOCAL ROLE pgimport_eve;
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    ARRAY['11111111-1111-4111-8111-111111111111,A,x', '11111111-1111-4111-8111-111111111111,B,y']
);
SELECT pgimport.check_job(:'job') IS NULL AS done \gset
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'job', '{points,pgimport_row}', ARRAY[['1', pgimport_test.token(:'job', 1, 1)]]
        ), 'rows_fixed'
    ),
    'rows_fixed=1', 'an importer corrects a job of his own'
);

SET LOCAL ROLE pgimport_bob;
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'')', :'job'), 'PI101', NULL,
    'nobody else''s'
);
SELECT is(
    (SELECT count(*) FROM pgimport.fix), 0::bigint, 'whose corrections he does not even see'
);
RESET ROLE;

SELECT pgimport_test.load_fix(
    :'job', '{points,pgimport_row}', ARRAY[['2', pgimport_test.token(:'job', 1, 2)]]
) AS fix_no \gset
SELECT is(
    pgimport_test.pick(pgimport.apply_fix(:'job', :fix_no, 1), 'rows_fixed', 'issues_left'),
    'rows_fixed=1 issues_left=0', 'a superuser may'
);
SET LOCAL ROLE pgimport_eve;
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count'), 'clean_count=2',
    'and the owner can go on'
);

-- a view in place of the staged corrections
SELECT pgimport.stage_fix(:'job', 'f.csv', '{points,pgimport_row}') ->> 'fix_no' AS fix_no \gset
SELECT format('job_%s_x%s', replace(:'job', '-', ''), :'fix_no') AS staged \gset
CREATE FUNCTION pg_temp.trojan() RETURNS text LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''run as %'', current_user; END';
SELECT format('DROP TABLE pgimport_staging.%I', :'staged') \gexec
SELECT format(
    'CREATE VIEW pgimport_staging.%I AS SELECT 1::bigint AS line_no, pg_temp.trojan() AS c1, '
    '''''::text AS c2', :'staged'
) \gexec
RESET ROLE;
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, 1)', :'job', :'fix_no'), 'PI602', NULL,
    'what the owner put in place of staged corrections is not read by a superuser'
);
SELECT lives_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'')', :'job'),
    'it is dropped unread'
);

-- and in place of the staged rows
SET LOCAL ROLE pgimport_eve;
SELECT format('job_%s', replace(:'job', '-', '')) AS staged \gset
SELECT format('ALTER TABLE pgimport_staging.%I RENAME TO moved', :'staged') \gexec
SELECT format(
    'CREATE VIEW pgimport_staging.%I AS SELECT m.*, pg_temp.trojan() FROM pgimport_staging.moved '
    'AS m', :'staged'
) \gexec
RESET ROLE;
SELECT
    throws_ok(
        format('SELECT pgimport.report_copy_sql(%L, %L)', :'job', r.report), 'PI602', NULL,
        format('nor are they, for the report %s', r.report)
    )
FROM (VALUES ('issues'), ('issue_list')) AS r (report);
\else
SELECT skip('only a superuser makes roles here', 9);
\endif

SELECT * FROM finish();
ROLLBACK;
