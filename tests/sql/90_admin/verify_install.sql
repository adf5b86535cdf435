-- verify_install() finds each kind of damage, names it, and finds nothing where there is none.
BEGIN;
\ir ../setup.psql

SELECT plan(27);

-- what does not hold, and the first thing that each check found
CREATE FUNCTION pgimport_test.broken(
    p_deep boolean DEFAULT true
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $broken$
BEGIN
    RETURN (
        SELECT
            coalesce(string_agg(
                format('%s: %s', c.value ->> 'invariant', c.value -> 'found' ->> 0), '; '
                ORDER BY c.value ->> 'invariant'
            ), '')
        FROM jsonb_array_elements(pgimport.verify_install(p_deep) -> 'checks') AS c (value)
        WHERE NOT (c.value ->> 'ok')::boolean
    );
END;
$broken$;

-- the same after some damage, which is then undone
CREATE FUNCTION pgimport_test.broken_by(
    p_damage text,
    p_deep boolean DEFAULT true
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $broken_by$
DECLARE
    v_broken text;
BEGIN
    EXECUTE p_damage;
    v_broken := pgimport_test.broken(p_deep);
    RAISE EXCEPTION USING ERRCODE = 'T0001';
EXCEPTION
    WHEN SQLSTATE 'T0001' THEN
        RETURN v_broken;
END;
$broken_by$;

-- the table of a job's only file
CREATE FUNCTION pgimport_test.staging_table(
    p_job_id uuid
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $staging_table$
BEGIN
    RETURN (SELECT f.staging_table FROM pgimport.file AS f WHERE f.job_id = p_job_id);
END;
$staging_table$;

SELECT is(pgimport_test.broken(), '', 'a fresh install has no finding');
SELECT is(
    pgimport.verify_install() ->> 'version', pgimport.version(), 'the answer names the version'
);
SELECT is(
    jsonb_array_length(pgimport.verify_install(true) -> 'checks')
    - jsonb_array_length(pgimport.verify_install() -> 'checks'),
    2, 'two checks read the targets and run on request only'
);

SELECT pgimport_test.codes_target() AS target \gset
SELECT pgimport_test.new_job() AS pending \gset
SELECT pgimport_test.checked_job('{C,C}') AS checked \gset
SELECT pgimport_test.completed_job('{A,B}') AS completed \gset
SELECT pgimport_test.completed_job('{D,E}') AS undone \gset
SELECT pgimport_test.checked_job('{F}') AS cancelled \gset
SELECT pgimport.rollback_job(:'undone') AS answer \gset
SELECT pgimport.cancel_job(:'cancelled') AS answer \gset

SELECT pgimport_test.checked_job('{G,H}') AS inserting \gset
SELECT pgimport.insert_job(:'inserting', '{"batch_rows": 1}') AS answer \gset
SELECT pgimport_test.checked_job('{I}') AS queued \gset
SELECT pgimport.submit_job(:'queued') AS answer \gset

SELECT is(pgimport_test.broken(), '', 'jobs in every state have no finding');

SELECT is(
    pgimport_test.broken_by($$DELETE FROM pgimport_test.codes WHERE code = 'A'$$), '',
    'an imported row that people delete later is no damage'
);
SELECT is(
    pgimport_test.broken_by(
        'UPDATE pgimport.schema_step SET version = ''0.0.9'' WHERE name = ''functions'''
    ),
    format('version: ledger 0.0.9, functions %s', pgimport.version()),
    'functions of another version than the ledger says are found'
);
SELECT is(
    pgimport_test.broken_by('ALTER FUNCTION pgimport.version() SECURITY DEFINER'),
    'no_definer: pgimport.version()', 'a function with its owner''s rights is found'
);
SELECT is(
    pgimport_test.broken_by('ALTER FUNCTION pgimport.create_job(text, jsonb) RESET search_path'),
    'pinned_path: pgimport.create_job(text,jsonb)', 'a function without a pinned path is found'
);
SELECT is(
    pgimport_test.broken_by('GRANT EXECUTE ON FUNCTION pgimport.version() TO PUBLIC'),
    'no_public: function pgimport.version()', 'a function that everybody may call is found'
);
SELECT is(
    pgimport_test.broken_by('GRANT SELECT ON pgimport.job TO PUBLIC'),
    'no_public: relation pgimport.job', 'a table that everybody may read is found'
);
SELECT is(
    pgimport_test.broken_by('GRANT CREATE ON SCHEMA pgimport_staging TO PUBLIC'),
    'no_public: schema pgimport_staging', 'a schema that everybody may use is found'
);
SELECT is(
    pgimport_test.broken_by('ALTER TABLE pgimport.job DISABLE ROW LEVEL SECURITY'),
    'I21: pgimport.job', 'a table without row-level security is found'
);
SELECT is(
    pgimport_test.broken_by('ALTER TABLE pgimport.job DISABLE TRIGGER guard_job'),
    'guards: guard_job on pgimport.job', 'a guard that was switched off is found'
);
SELECT is(
    pgimport_test.broken_by('DROP TRIGGER guard_write ON pgimport.job_write'),
    'guards: guard_write on pgimport.job_write', 'and one that was dropped'
);
SELECT is(
    pgimport_test.broken_by('CREATE TABLE pgimport_staging.job_of_nobody (a integer)'),
    'I18: pgimport_staging.job_of_nobody belongs to no job that needs it',
    'a staging table of no job is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'DROP TABLE pgimport_staging.%I CASCADE', pgimport_test.staging_table(:'checked')
    )),
    format('I18: file 1 of job %s is staged, its table is gone', :'checked'),
    'a job whose staging is gone is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'UPDATE pgimport.job SET rows_skipped = rows_skipped + 1 WHERE job_id = %L', :'completed'
    )),
    format('I2: job %s', :'completed'), 'counts of a job that do not add up are found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'UPDATE pgimport.file SET rows_parsed = rows_parsed + 1 WHERE job_id = %L', :'checked'
    )),
    format('I3: file 1 of job %s', :'checked'),
    'a file with other rows than were parsed is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'INSERT INTO pgimport.job_event (job_id, event, from_status, to_status) '
        'VALUES (%L, ''status'', ''checked'', ''completed'')', :'checked'
    )),
    format('I4: job %s', :'checked'), 'a log that does not lead to the job''s status is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'DROP TABLE pgimport_staging.%I CASCADE', pgimport._staging_name(:'inserting', '_value')
    )),
    format('I7: job %s', :'inserting'), 'an insert in batches that cannot go on is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'UPDATE pgimport.job_queue SET state = ''done'' WHERE job_id = %L', :'queued'
    )),
    format('queue: job %s', :'queued'), 'a queued job that no worker would take is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id) '
        'VALUES (gen_random_uuid(), ''X'', %L)', :'inserting'
    )),
    format('I1: pgimport_test.codes: 2 rows of job %s, which is inserting', :'inserting'),
    'more rows than the batches of a job wrote are found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id) '
        'VALUES (gen_random_uuid(), ''X'', %L)', :'cancelled'
    )),
    format('I1: pgimport_test.codes: 1 row of job %s, which is cancelled', :'cancelled'),
    'a row of a job that inserted none is found'
);
SELECT is(
    pgimport_test.broken_by(format(
        'INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id) '
        'VALUES (gen_random_uuid(), ''X'', %L)', :'cancelled'
    ), false),
    '', 'by the deep check only'
);
SELECT is(
    pgimport_test.broken_by(
        'INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id) '
        'VALUES (gen_random_uuid(), ''X'', pgimport_test.merchant())'
    ),
    format('I9: pgimport_test.codes: 1 row of unknown job %s', pgimport_test.merchant()),
    'a row of a job that does not exist is found'
);
SELECT is(
    pgimport_test.broken_by('ALTER TABLE pgimport_test.codes RENAME TO old_codes', false),
    'target: target "codes": table pgimport_test.codes', 'a target whose table is gone is found'
);
SELECT is(pgimport_test.broken(), '', 'looking for damage has done none');

SELECT * FROM finish();
ROLLBACK;
