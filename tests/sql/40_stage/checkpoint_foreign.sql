-- Checkpoints of a job by somebody else than its owner: with nobody's rights but his own.
BEGIN;
\ir ../setup.psql

SELECT current_setting('is_superuser')::boolean AS is_super \gset

SELECT plan(5);

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
SELECT pgimport.stage_file(:'job', 'a.csv', '{merchant_id,code}') IS NULL AS done \gset
SELECT format('job_%s_f1', replace(:'job', '-', '')) AS staged \gset
SELECT format('INSERT INTO pgimport_staging.%I (code) VALUES (''A'')', :'staged') \gexec
SELECT is(
    pgimport.checkpoint_file(:'job', 1, 1, '{"bytes": 10}') #>> '{checkpoint,rows}', '1',
    'an importer notes how far a file of his own is'
);

SET LOCAL ROLE pgimport_bob;
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1)', :'job'), 'PI101', NULL, 'nobody else''s'
);
RESET ROLE;
SELECT is(
    pgimport.stage_file(
        :'job', 'a.csv', '{merchant_id,code}', '{"file_no": 1, "resume": true}'
    ) #>> '{checkpoint,rows}',
    '1', 'a superuser may go on with it'
);

-- something that runs when the staging is written
CREATE FUNCTION pgimport_test.gain()
RETURNS trigger
LANGUAGE plpgsql
AS $gain$
BEGIN
    RETURN new;
END;
$gain$;
SELECT format(
    'CREATE TRIGGER gain BEFORE INSERT ON pgimport_staging.%I '
    'FOR EACH ROW EXECUTE FUNCTION pgimport_test.gain()', :'staged'
) \gexec
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''a.csv'', ''{merchant_id,code}'', '
        '''{"file_no": 1, "resume": true}'')', :'job'
    ),
    'PI602', NULL, 'but not where the owner has put code into the staging'
);
SELECT throws_ok(
    format('SELECT pgimport.checkpoint_file(%L, 1)', :'job'), 'PI602', NULL,
    'nor is it begun with rows'
);
\else
SELECT skip('only a superuser makes roles', 5);
\endif

SELECT * FROM finish();
ROLLBACK;
