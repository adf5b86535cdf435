BEGIN;
\ir ../setup.psql
SELECT plan(21);

SELECT pgimport_test.codes_target();
SELECT throws_ok('SELECT pgimport.verify_job(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.verify_job('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);

SELECT pgimport_test.checked_job('{A,B,C}') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=0 actual_count=0', 'before the insert there is no row of a job'
);
SELECT pgimport.insert_job(:'job');
SELECT pgimport.verify_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'verified', 'expected_count', 'actual_count', 'modified',
        'warnings'
    ),
    'success=true status=completed verified=true expected_count=3 actual_count=3 modified=0 '
    'warnings=[]', 'after the insert the job is verified'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'actual_count', 'checksum_inserted', 'checksum_staged', 'checksum_target', 'counts',
        'details', 'expected_count', 'job_id', 'message', 'modified', 'rewritten', 'status',
        'success', 'target', 'updated_found', 'verified', 'warnings'
    ],
    'verify_job answers with the documented keys and no other'
);
SELECT isnt(:'answer'::jsonb ->> 'checksum_staged', NULL, 'the staged rows have a checksum');
SELECT is(
    :'answer'::jsonb ->> 'checksum_staged', :'answer'::jsonb ->> 'checksum_inserted',
    'it equals that of the rows inserted'
);
SELECT is(
    :'answer'::jsonb ->> 'checksum_inserted', :'answer'::jsonb ->> 'checksum_target',
    'and that of the rows in the table now'
);
SELECT is(pgimport.verify_job(:'job'), :'answer'::jsonb, 'a second verify answers the same');

-- somebody changes a row
UPDATE pgimport_test.codes SET sku = 'edited'
WHERE code = 'B';
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'success', 'verified', 'expected_count', 'actual_count',
        'modified'
    ),
    'success=true verified=false expected_count=3 actual_count=3 modified=1',
    'a changed row is counted as modified: not verified'
);
SELECT isnt(
    pgimport.verify_job(:'job') ->> 'checksum_target',
    :'answer'::jsonb ->> 'checksum_inserted', 'and the checksum of the table is another'
);
DELETE FROM pgimport_test.codes
WHERE code = 'C';
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count', 'modified'),
    'verified=false actual_count=2 modified=1', 'a deleted row is missed'
);
SELECT pgimport.rollback_job(:'job', 'keep_modified');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=1 actual_count=1',
    'after a rollback that kept a modified row that row is expected'
);

-- after a whole rollback
SELECT pgimport_test.completed_job('{R}') AS rolled \gset
SELECT pgimport.rollback_job(:'rolled');
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'rolled'), 'status', 'verified', 'expected_count', 'actual_count'
    ),
    'status=rolled_back verified=true expected_count=0 actual_count=0',
    'after a rollback no row of the job is left'
);

-- rows of unknown origin with the stamp of a job
SELECT pgimport_test.completed_job('{S}') AS forged \gset
INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id)
VALUES (pgimport_test.merchant(), 'FORGED', :'forged');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'forged'), 'verified', 'actual_count', 'modified'),
    'verified=false actual_count=2 modified=1', 'a row with a forged stamp is noticed'
);

-- staging cleared before the first verify
SELECT pgimport_test.completed_job('{T}') AS cleared \gset
SELECT pgimport.clear_staging(:'cleared');
SELECT pgimport.verify_job(:'cleared') AS after_clear \gset
SELECT is(
    pgimport_test.pick(:'after_clear', 'verified'),
    'verified=true', 'without staged rows a job is still verified'
);
SELECT is(
    :'after_clear'::jsonb ->> 'checksum_staged', :'after_clear'::jsonb ->> 'checksum_target',
    'against the checksum of the staged rows, taken at the insert'
);

-- a trigger that changes values
CREATE FUNCTION pgimport_test.upper_code()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.sku := upper(new.code);
    RETURN new;
END;
$$;
CREATE TRIGGER upper_code BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.upper_code();
SELECT pgimport_test.completed_job('{u,v}') AS changed \gset
SELECT pgimport.verify_job(:'changed') AS after_trigger \gset
SELECT is(
    pgimport_test.pick(:'after_trigger', 'verified', 'actual_count', 'modified'),
    'verified=true actual_count=2 modified=0',
    'values that a trigger changed on their way in are verified as inserted'
);
SELECT is(
    jsonb_array_length(:'after_trigger'::jsonb -> 'warnings'), 1, 'with a warning'
);
SELECT isnt(
    :'after_trigger'::jsonb ->> 'checksum_staged',
    :'after_trigger'::jsonb ->> 'checksum_inserted',
    'as the checksums of staged and inserted differ'
);

-- a default that is another each time and stands on the domain of a column
CREATE DOMAIN pgimport_test.token AS uuid DEFAULT gen_random_uuid();
CREATE TABLE pgimport_test.tokened (k text PRIMARY KEY, token pgimport_test.token NOT NULL);
SELECT pgimport.register_target('pgimport_test.tokened'::regclass, 'tokened', '{k}', '{}');
SELECT pgimport_test.new_job('{}', 'tokened') AS tokened \gset
SELECT pgimport_test.stage(:'tokened', '{k,token}', '{"a,","b,"}');
SELECT pgimport.check_job(:'tokened');
SELECT pgimport.insert_job(:'tokened');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'tokened'), 'verified', 'actual_count'),
    'verified=true actual_count=2', 'rows that took a random default of their domain are verified'
);

SELECT * FROM finish();
ROLLBACK;
