BEGIN;
\ir ../setup.psql
SELECT plan(17);

SELECT pgimport_test.codes_target();
SELECT throws_ok('SELECT pgimport.plan_rollback(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.plan_rollback('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);

SELECT pgimport_test.completed_job('{A,B,C,D,E}') AS job \gset
SELECT pgimport.plan_rollback(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'target', 'eligible', 'reasons', 'delete', 'restore',
        'already_gone', 'modified', 'dependents', 'later_jobs', 'warnings'
    ),
    'success=true status=completed target=pgimport_test.codes eligible=true reasons=[] delete=5 '
    'restore=0 already_gone=0 modified=0 dependents=[] later_jobs=[] warnings=[]',
    'the plan of an untouched job deletes all its rows'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'already_gone', 'counts', 'delete', 'dependents', 'details', 'eligible', 'expires_at',
        'job_id', 'later_jobs', 'message', 'mode', 'modified', 'modified_inserted',
        'modified_updated', 'partial', 'reasons', 'refused_because', 'restore', 'rewritten',
        'rows_inserted', 'rows_updated', 'seconds', 'soft', 'status', 'success', 'taken',
        'target', 'warnings'
    ],
    'plan_rollback answers with the documented keys and no other'
);
SELECT is(
    (:'answer'::jsonb ->> 'expires_at')::timestamptz,
    (
        SELECT j.rollback_until FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ),
    'expires_at is the end of the window'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 5, 'a plan changes nothing in the table'
);
SELECT is(pgimport.plan_rollback(:'job'), :'answer'::jsonb, 'nor in the next plan');

-- rows changed and gone
UPDATE pgimport_test.codes SET sku = 'edited'
WHERE code IN ('B', 'C');
DELETE FROM pgimport_test.codes
WHERE code = 'D';
SELECT pgimport.plan_rollback(:'job') AS mixed \gset
SELECT is(
    pgimport_test.pick(:'mixed', 'eligible', 'delete', 'modified', 'already_gone'),
    'eligible=true delete=2 modified=2 already_gone=1',
    'changed rows and rows that are gone are counted apart'
);
SELECT results_eq(
    format(
        'SELECT r #>> ''{key,code}'' FROM pg_catalog.jsonb_array_elements(%L::jsonb -> ''details'' '
        '-> ''modified_rows'') AS r ORDER BY 1', :'mixed'
    ),
    $$VALUES ('B'), ('C')$$, 'the modified rows are named by their keys'
);

-- an update that changes no value
SELECT pgimport_test.completed_job('{F}') AS noop \gset
UPDATE pgimport_test.codes SET sku = sku
WHERE code = 'F';
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'noop'), 'delete', 'rewritten', 'modified'),
    'delete=1 rewritten=1 modified=0',
    'a row that somebody wrote without changing it is still as the job left it'
);

-- a row that was locked only
SELECT pgimport_test.completed_job('{G,H}') AS locked \gset
SELECT c.code FROM pgimport_test.codes AS c
WHERE c.code = 'G' FOR UPDATE;
SELECT c.code FROM pgimport_test.codes AS c
WHERE c.code = 'H' FOR KEY SHARE;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'locked'), 'delete', 'modified'),
    'delete=2 modified=0', 'a row lock is no modification'
);

-- a change that was undone
SELECT 'SAVEPOINT undone' AS statement \gexec
UPDATE pgimport_test.codes SET sku = 'x'
WHERE code = 'G';
SELECT 'ROLLBACK TO SAVEPOINT undone' AS statement \gexec
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'locked'), 'delete', 'modified'),
    'delete=2 modified=0', 'nor is a change that was rolled back'
);

-- more than a hundred modified rows
SELECT pgimport_test.completed_job(
    array(SELECT format('M%s', n) FROM generate_series(1, 150) AS n)
) AS many \gset
UPDATE pgimport_test.codes SET sku = 'x'
WHERE import_job_id = :'many';
SELECT is(
    jsonb_array_length(pgimport.plan_rollback(:'many') #> '{details,modified_rows}'), 100,
    'at most 100 modified rows are named'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'many'), 'modified'), 'modified=150',
    'all are counted'
);

-- a job that is not completed
SELECT pgimport_test.checked_job('{Z}') AS checked \gset
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'checked'), 'success', 'eligible', 'reasons.0.code', 'delete'
    ), 'success=true eligible=false reasons.0.code=PI501 delete=0',
    'the plan of a job that is not completed says why it cannot be rolled back'
);

-- a row with a forged stamp
INSERT INTO pgimport_test.codes (merchant_id, code, import_job_id)
VALUES (pgimport_test.merchant(), 'FORGED', :'noop');
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'noop'), 'delete', 'modified'),
    'delete=1 modified=1', 'a row that only carries the stamp is not one to be deleted'
);

-- the table was made anew
CREATE TABLE pgimport_test.copied AS TABLE pgimport_test.codes;
DROP FUNCTION pgimport_test.codes_target();
DROP TABLE pgimport_test.codes;
ALTER TABLE pgimport_test.copied RENAME TO codes;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'locked'), 'delete', 'rewritten', 'modified'),
    'delete=2 rewritten=2 modified=0',
    'in a table that was made anew the rows are known by their fingerprints'
);

SELECT * FROM finish();
ROLLBACK;
