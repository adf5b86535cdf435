-- doctor() finds targets that DDL has made unfit; each statement it tells is run, and mends it.
BEGIN;
\ir ../setup.psql

SELECT plan(36);

SELECT pgimport_test.codes_target() AS target \gset

-- what doctor() says of the targets, without those lines that are well
CREATE FUNCTION pgimport_test.findings()
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $findings$
BEGIN
    RETURN (
        SELECT string_agg(format('%s: %s, %s', d.status, d.what, d.found), '; ')
        FROM pgimport._doctor_targets() AS d
    );
END;
$findings$;

-- runs all that is told to mend; what is wrong afterwards
CREATE FUNCTION pgimport_test.mend()
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $mend$
DECLARE
    v_mend text;
BEGIN
    FOR v_mend IN
        SELECT d.mend FROM pgimport._doctor_targets() AS d WHERE d.status <> 'ok'
    LOOP
        EXECUTE v_mend;
    END LOOP;
    RETURN pgimport_test.findings();
END;
$mend$;

SELECT is(pgimport_test.findings(), NULL, 'a target as it was registered is well');
SELECT is(
    (
        SELECT d.status FROM pgimport.doctor() AS d
        WHERE d.what = 'targets'
    ), 'ok',
    'and doctor() says so'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.doctor() AS d
        WHERE d.status NOT IN ('ok', 'warning', 'problem')
            OR d.what IS NULL OR d.found IS NULL
            OR (d.status = 'ok') <> (d.why IS NULL) OR (d.status = 'ok') <> (d.mend IS NULL)
    ),
    0::bigint, 'all that is not well says why, and what mends it'
);

-- the key
ALTER TABLE pgimport_test.codes DROP CONSTRAINT codes_code_merchant_id_key;
SELECT is(
    pgimport_test.findings(),
    'problem: key of target codes, no unique index on (code, merchant_id)',
    'a unique index that was dropped is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and made again');

ALTER TABLE pgimport_test.codes RENAME COLUMN code TO promo_code;
SELECT is(
    pgimport_test.findings(), 'problem: key of target codes, column code is gone',
    'a column of the key that was renamed is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and called as before');

SELECT pgimport_test.completed_job('{A,B}') AS job \gset
ALTER TABLE pgimport_test.codes RENAME TO promos;
SELECT is(
    pgimport_test.findings(),
    'problem: target codes, table pgimport_test.codes is gone, it is pgimport_test.promos',
    'a table that was renamed is found by the rows that a job wrote'
);
SELECT is(pgimport_test.mend(), NULL, 'and called as before');
CREATE SCHEMA pgimport_other;
ALTER TABLE pgimport_test.codes SET SCHEMA pgimport_other;
SELECT is(
    pgimport_test.findings(),
    'problem: target codes, table pgimport_test.codes is gone, it is pgimport_other.codes',
    'a table that was moved is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and moved back');

-- the column of the job and its index
DROP INDEX pgimport_test.codes_import_job_id_idx;
SELECT is(
    pgimport_test.findings(),
    'warning: index on import_job_id of target codes, missing', 'a missing index is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and made');
ALTER TABLE pgimport_test.codes DROP COLUMN import_job_id;
SELECT is(
    pgimport_test.findings(),
    'problem: column import_job_id of target codes, missing', 'a missing column is found'
);
SELECT is(
    pgimport_test.mend(), 'warning: index on import_job_id of target codes, missing',
    'and made; then its index is missing'
);
SELECT is(pgimport_test.mend(), NULL, 'which is made, too');
ALTER TABLE pgimport_test.codes ALTER COLUMN import_job_id TYPE text;
SELECT is(
    pgimport_test.findings(),
    'problem: column import_job_id of target codes, it is text', 'a column of another type is found'
);
SELECT is(
    pgimport_test.mend(), NULL, 'and made a uuid again'
);

-- rules and options
SELECT pgimport.set_column('codes', 'sku', '{"aliases": ["artikel"]}') AS rules \gset
ALTER TABLE pgimport_test.codes DROP COLUMN sku;
SELECT is(
    pgimport_test.findings(), 'warning: rules of target codes, column sku is gone',
    'rules of a column that is gone are found'
);
SELECT is(pgimport_test.mend(), NULL, 'and forgotten');

CREATE TABLE pgimport_other.batch (id integer PRIMARY KEY, name text);
SELECT pgimport.set_column(
    'codes', 'batch_code',
    '{"aliases": ["b"], '
    '"lookup": {"table": "pgimport_other.batch", "match": "name", "value": "id"}}'
) AS rules \gset
SELECT is(pgimport_test.findings(), NULL, 'a table in which values are looked up is well');
DROP TABLE pgimport_other.batch;
SELECT is(
    pgimport_test.findings(),
    'problem: rules of target codes, '
    'column batch_code is looked up in table pgimport_other.batch, which is gone',
    'one that is gone is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and not looked into any more');
SELECT is(
    (
        SELECT c.rules FROM pgimport.target_column AS c
        WHERE c.column_name = 'batch_code'
    ),
    '{"aliases": ["b"]}', 'other rules of the column stay'
);

ALTER TABLE pgimport_test.codes ADD COLUMN deleted_at timestamptz;
SELECT pgimport.register_target(
    'pgimport_test.codes', 'codes', '{code,merchant_id}',
    '{"soft_delete": "deleted_at", "label": "kept"}'
) AS target \gset
ALTER TABLE pgimport_test.codes DROP COLUMN deleted_at;
SELECT is(
    pgimport_test.findings(),
    'problem: options of target codes, column deleted_at of option "soft_delete" is gone',
    'the column of an option that is gone is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and the option left out');
SELECT is(
    (
        SELECT t.options FROM pgimport.target AS t
        WHERE t.name = 'codes'
    ), '{"label": "kept"}',
    'other options stay'
);

-- the table itself
CREATE TABLE pgimport_test.claim (
    code_id bigint CONSTRAINT claim_code REFERENCES pgimport_test.codes
);
SELECT is(
    pgimport_test.findings(),
    'warning: references to target codes, '
    'foreign key claim_code of table pgimport_test.claim has no index',
    'a foreign key without an index is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and gets one');

ALTER TABLE pgimport_test.codes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT is(
    pgimport_test.findings(), 'warning: row-level security of target codes, forced',
    'row-level security that holds the owner is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and forced no more');

-- a subtransaction is younger than the registration, as another transaction is
SELECT 'SAVEPOINT later' AS statement \gexec
CREATE FUNCTION pgimport_test.nothing() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RETURN new; END; $$;
CREATE TRIGGER a_new_one BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.nothing();
SELECT is(
    pgimport_test.findings(),
    'warning: triggers of target codes, made or changed since it was registered: a_new_one',
    'a trigger that was made since is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and known once the target is registered with it');

-- on_duplicate create
SELECT pgimport.register_target(
    'pgimport_test.codes', 'codes', '{code,merchant_id}', '{}'
) AS target \gset
CREATE TABLE pgimport_test.note (id integer, text text);
SELECT pgimport.register_target(
    'pgimport_test.note', 'note', '{id}', '{"on_duplicate": "create"}'
) AS target \gset
CREATE UNIQUE INDEX note_id ON pgimport_test.note (id);
SELECT is(
    pgimport_test.findings(), 'warning: key of target note, unique index pgimport_test.note_id',
    'a unique index where each row is to be inserted is found'
);
SELECT is(pgimport_test.mend(), NULL, 'and rows are skipped by it');

-- gone for good, and no trace of it
DROP TABLE pgimport_test.note;
SELECT is(pgimport_test.mend(), NULL, 'a target whose table is gone for good is dropped');

SELECT * FROM finish();
ROLLBACK;
