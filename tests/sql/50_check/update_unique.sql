-- Other unique constraints than the key: updated rows against the table and against each other.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(9);

SELECT pgimport_test.people_job('{code,mail}', 'a,bob@x', 'b,bob@x', 'c,cy@x') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'invalid unique:people_mail_key, update, update',
    'a value of another row is refused, one''s own is not'
);
SELECT pgimport_test.people_job(
    '{code,name,mail}', 'a,A,x@x', 'c,C,x@x', 'n,N,x@x', 'm,M,y@x'
) AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'update, invalid unique:people_mail_key, invalid unique:people_mail_key, insert',
    'of rows of the job that want the same value the first one has it'
);
SELECT pgimport_test.people_job('{code,name,mail}', 'n,N,x@x', 'c,C,x@x', 'c,C,z@x') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'insert, invalid unique:people_mail_key, update',
    'the next row of a key takes the place of one that is refused'
);
SELECT pgimport_test.classes(:'job') AS before \gset
SELECT pgimport.check_job(:'job');
SELECT is(pgimport_test.classes(:'job'), :'before', 'a second check says the same');

-- in what order rows are written is nobody's to rely on
SELECT pgimport_test.people_job('{code,mail}', 'a,bob@x', 'b,ann@x') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'invalid unique:people_mail_key, invalid unique:people_mail_key',
    'rows that change places are refused'
);
SELECT pgimport_test.people_job('{code,name,mail}', 'a,A,new@x', 'n,N,ann@x') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid unique:people_mail_key',
    'and so is one that takes what another one of the job leaves'
);

SELECT pgimport_test.people_job('{code,name}', 'a,A', 'b,B') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, update',
    'a column that is not written is in nobody''s way'
);

-- an exclusion constraint: the row's own old value is not in its way
CREATE TABLE pgimport_test.booking (
    id integer PRIMARY KEY, span int4range, import_job_id uuid,
    CONSTRAINT booking_span_excl EXCLUDE USING gist (span WITH &&)
);
INSERT INTO pgimport_test.booking VALUES (1, '[1,5)'), (2, '[5,9)');
SELECT pgimport.register_target('pgimport_test.booking'::regclass, 'booking', '{id}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'booking') AS job \gset
SELECT pgimport_test.stage(:'job', '{id,span}', '{"1,x","2,x","3,x"}');
-- a comma is in every span: they are completed in place
CREATE FUNCTION pgimport_test.complete(p_job_id uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $complete$
BEGIN
    EXECUTE format(
        $$UPDATE pgimport_staging.%I SET span = CASE id
        WHEN '1' THEN '[2,4)' WHEN '2' THEN '[4,10)' ELSE '[11,12)' END$$,
        'job_' || replace(p_job_id::text, '-', '') || '_f1'
    );
END;
$complete$;
SELECT pgimport_test.complete(:'job');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid exclusion:booking_span_excl, insert',
    'spans are compared with those of all other rows as they are now'
);
SELECT is(
    (pgimport.insert_job(:'job') ->> 'success')::boolean, true,
    'what the check lets through goes in'
);
SELECT * FROM finish();
ROLLBACK;
