-- Every act answers with one object that holds all documented keys.
BEGIN;
\ir ../setup.psql

SELECT plan(13);

CREATE FUNCTION pgimport_test.missing_keys(p_answer jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN array_to_string(array(
    SELECT k.name
    FROM unnest(
            '{success,job_id,status,target,counts,message,warnings,details}'::text[]
        ) AS k (name)
    WHERE NOT p_answer ? k.name
), ', ');

SELECT is(pgimport_test.missing_keys(pgimport_test.codes_target()), '', 'register_target');
SELECT is(
    pgimport_test.missing_keys(pgimport.set_column('codes', 'sku', '{"trim": true}')),
    '', 'set_column'
);
SELECT is(pgimport_test.missing_keys(pgimport.create_job('codes')), '', 'create_job');
SELECT is(
    pgimport_test.missing_keys(pgimport.cancel_job(pgimport_test.new_job(), 'not wanted')),
    '', 'cancel_job'
);
SELECT pgimport_test.checked_job('{A,B}') AS job \gset
SELECT is(pgimport_test.missing_keys(pgimport.check_job(:'job')), '', 'check_job');
SELECT is(pgimport_test.missing_keys(pgimport.preview_job(:'job')), '', 'preview_job');
SELECT is(pgimport_test.missing_keys(pgimport.insert_job(:'job')), '', 'insert_job');
SELECT is(pgimport_test.missing_keys(pgimport.verify_job(:'job')), '', 'verify_job');
SELECT is(pgimport_test.missing_keys(pgimport.plan_rollback(:'job')), '', 'plan_rollback');
SELECT is(pgimport_test.missing_keys(pgimport.rollback_job(:'job')), '', 'rollback_job');
SELECT is(pgimport_test.missing_keys(pgimport.clear_staging(:'job')), '', 'clear_staging');
SELECT is(
    pgimport_test.missing_keys(pgimport.grant_usage(current_user::text, 'admin')),
    '', 'grant_usage'
);
SELECT is(pgimport_test.missing_keys(pgimport.verify_install(true)), '', 'verify_install');

SELECT * FROM finish();
ROLLBACK;
