-- Fingerprints prove inserted rows where their xmin proves nothing any more.
BEGIN;
\ir ../setup.psql
SELECT plan(24);

CREATE TABLE pgimport_test.facts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    code text PRIMARY KEY,
    small smallint,
    amount numeric(8, 2),
    f double precision,
    words text[],
    at timestamptz[],
    twice integer GENERATED ALWAYS AS (small * 2) STORED,
    made_at timestamptz NOT NULL DEFAULT now(),
    gone_at timestamptz,
    import_job_id uuid
);
SELECT pgimport.register_target(
    'pgimport_test.facts', 'facts', '{code}', '{"soft_delete": "gone_at"}'
);
SELECT pgimport_test.new_job('{}', 'facts') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,small,amount,f,words,at}',
    ARRAY[
        'A,1,1.5,-0,{x},{2026-01-01 12:00}', 'B,-5,2,NaN,{},', 'C,,,,,{infinity}', 'D,1,1.5,0,{x},'
    ]
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT format('pgimport_staging.job_%s_print', replace(:'job', '-', '')) AS print \gset

-- what verify_job says of the job: verified, modified, rewritten
CREATE FUNCTION pgimport_test.proved(p_job_id uuid)
RETURNS text
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT pgimport_test.pick(
        pgimport.verify_job(p_job_id), 'verified', 'actual_count', 'modified', 'rewritten'
    );
END;

SELECT results_eq(
    format('SELECT count(*), count(DISTINCT key_hash), count(hashes) FROM %s', :'print'),
    'VALUES (4::bigint, 4::bigint, 0::bigint)', 'each inserted row has a fingerprint'
);
SELECT is(
    (
        SELECT c.relpersistence FROM pg_class AS c
        WHERE c.oid = :'print'::regclass
    ), 'p',
    'a crash of the server does not lose it'
);
SELECT is(
    (
        SELECT j.print_columns FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ),
    '{id,code,small,amount,f,words,at,made_at}'::text[],
    'of all columns but the job''s id, what declares rows deleted, and what is computed'
);
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=0',
    'rows that nobody wrote since need none'
);

-- an UPDATE that changes nothing
UPDATE pgimport_test.facts SET small = small;
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'rows that were written as they were are found to be so'
);
-- another time zone and other settings than those of the insert
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL extra_float_digits = -5;
SET LOCAL bytea_output = 'escape';
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'under whatever settings of the session'
);
-- a table of other types
ALTER TABLE pgimport_test.facts DROP COLUMN twice;
ALTER TABLE pgimport_test.facts ALTER COLUMN small TYPE bigint;
ALTER TABLE pgimport_test.facts ALTER COLUMN code TYPE varchar(20);
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'smallint made bigint and text made varchar: the values are the same'
);
-- a table made anew, as by dump and restore
ALTER TABLE pgimport_test.facts RENAME TO old_facts;
CREATE TABLE pgimport_test.facts (LIKE pgimport_test.old_facts INCLUDING ALL EXCLUDING IDENTITY);
INSERT INTO pgimport_test.facts SELECT f.* FROM pgimport_test.old_facts AS f;
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'in a table made anew'
);
ALTER TABLE pgimport_test.facts ADD COLUMN more text DEFAULT 'x';
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'a column that came later does not matter'
);
UPDATE pgimport_test.facts SET gone_at = now()
WHERE code = 'D';
SELECT is(
    pgimport_test.proved(:'job'), 'verified=false actual_count=3 modified=0 rewritten=3',
    'a row that was declared deleted is gone'
);
UPDATE pgimport_test.facts SET gone_at = NULL;

-- modified
CREATE FUNCTION pgimport_test.modified(p_job_id uuid, p_set text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_modified bigint;
BEGIN
    EXECUTE format('UPDATE pgimport_test.facts SET %s', p_set);
    v_modified := (pgimport.verify_job(p_job_id) ->> 'modified')::bigint;
    EXECUTE 'DELETE FROM pgimport_test.facts';
    EXECUTE 'INSERT INTO pgimport_test.facts SELECT f.* FROM pgimport_test.old_facts AS f';
    RETURN v_modified;
END;
$$;
SELECT is(m.modified, m.wanted, m.what)
FROM (
    VALUES
    (
        pgimport_test.modified(:'job', $$f = 0 WHERE code = 'A'$$), 1::bigint,
        'the sign of a zero is a change'
    ),
    (
        pgimport_test.modified(:'job', $$words = '{X}' WHERE code = 'A'$$), 1,
        'so is a letter''s case'
    ),
    (pgimport_test.modified(:'job', $$small = 0 WHERE code = 'C'$$), 1, 'and zero for null'),
    (
        pgimport_test.modified(:'job', $$words = NULL WHERE code = 'B'$$), 1,
        'and null for an empty array'
    ),
    (
        pgimport_test.modified(:'job', $$made_at = made_at + interval '1 microsecond'$$), 4,
        'and of columns that the table filled by itself'
    ),
    (
        pgimport_test.modified(:'job', $$code = code || '!' WHERE code = 'A'$$), 1,
        'and another key'
    )
) AS m (modified, wanted, what);

-- two rows that took each other's key
UPDATE pgimport_test.facts SET code = CASE code WHEN 'A' THEN 'D2' ELSE 'A2' END
WHERE code IN ('A', 'D');
UPDATE pgimport_test.facts SET code = left(code, 1)
WHERE code IN ('A2', 'D2');
SELECT is(
    pgimport_test.proved(:'job'), 'verified=false actual_count=4 modified=2 rewritten=2',
    'rows that took each other''s key are both modified'
);
DELETE FROM pgimport_test.facts;
INSERT INTO pgimport_test.facts SELECT f.* FROM pgimport_test.old_facts AS f;
ALTER TABLE pgimport_test.facts ALTER COLUMN amount TYPE numeric(8, 3);
SELECT is(
    pgimport_test.proved(:'job'), 'verified=false actual_count=4 modified=3 rewritten=1',
    'one digit more is a change'
);
ALTER TABLE pgimport_test.facts ALTER COLUMN amount TYPE numeric(8, 2);
SELECT is(
    pgimport_test.proved(:'job'), 'verified=true actual_count=4 modified=0 rewritten=4',
    'which can be taken back'
);
ALTER TABLE pgimport_test.facts DROP COLUMN words;
SELECT is(
    pgimport_test.proved(:'job'), 'verified=false actual_count=4 modified=4 rewritten=0',
    'without one of its columns nothing is proved'
);

-- nothing to insert
SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A}') AS first \gset
SELECT pgimport_test.completed_job('{A}') AS nothing \gset
SELECT results_eq(
    format('SELECT count(*) FROM pgimport_staging.job_%s_print', replace(:'nothing', '-', '')),
    'VALUES (0::bigint)', 'a job that inserts nothing has an empty table of fingerprints'
);

-- staging is freed, what a rollback needs is not
SELECT pgimport.clear_staging(:'first');
SELECT isnt(
    to_regclass(format('pgimport_staging.job_%s_print', replace(:'first', '-', ''))), NULL,
    'clear_staging leaves the fingerprints'
);

-- a redo
SELECT pgimport_test.completed_job('{K,L,M}') AS redone \gset
UPDATE pgimport_test.codes SET points = 7
WHERE code = 'L';
SELECT pgimport.rollback_job(:'redone', 'keep_modified');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'redone'), 'status', 'verified', 'actual_count'),
    'status=rolled_back verified=true actual_count=1', 'a row that was kept is expected to be there'
);
SELECT pgimport.redo_job(:'redone');
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'redone'), 'status', 'verified', 'expected_count', 'actual_count',
        'modified'
    ), 'status=completed verified=true expected_count=2 actual_count=2 modified=0',
    'after a redo it is not the job''s any more'
);

SELECT * FROM finish();
ROLLBACK;
