-- Rows that are updated are judged as they are afterwards.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(12);

SELECT pgimport_test.people_job('{code,name,from_day}', 'a,A,10', 'b,B,8', 'n,N,10') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'invalid check:people_days_check, update, invalid check:people_days_check',
    'a check over a column of the file and one of the row in the table sees both'
);
UPDATE pgimport_test.people SET to_day = 20
WHERE code = 'a';
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'), 'update, update, invalid check:people_days_check',
    'and the row that is there now'
);
SELECT pgimport_test.classes(:'job') AS before \gset
SELECT pgimport.check_job(:'job');
SELECT is(pgimport_test.classes(:'job'), :'before', 'a second check says the same');

SELECT pgimport_test.people_job('{code,city_id}', 'a,4', 'b,3') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'invalid foreign_key:people_city_id_fkey, update',
    'a reference to nothing is refused'
);
SELECT pgimport_test.people_job('{code,age}', 'a,-1', 'a,2', 'b,x', 'b,1') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'invalid check:people_age_check, update, invalid bad_integer, update',
    'the next row of a key takes the place of one that is refused'
);

-- what the rule or the file leaves alone
SELECT pgimport.set_column('people', 'age', '{"on_update": "keep"}');
SELECT pgimport.set_column('people', 'from_day', '{"on_update": "fill_blank"}');
SELECT pgimport_test.people_job('{code,name,age,from_day}', 'a,A,-1,99', 'n,N,-1,2') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid check:people_age_check',
    'values that will not be written are not judged by the constraints'
);

-- rows of others that refer to what an update changes
CREATE TABLE pgimport_test.letter (
    mail text CONSTRAINT letter_mail_fkey REFERENCES pgimport_test.people (mail)
);
INSERT INTO pgimport_test.letter VALUES ('ann@x');
SELECT pgimport_test.people_job('{code,mail}', 'a,new@x', 'b,other@x') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'invalid foreign_key:letter_mail_fkey, update',
    'a value that others refer to is not taken away'
);

-- what a table is parted by is in its key, so an update moves no row
CREATE TABLE pgimport_test.parted (k integer, a integer, n integer, import_job_id uuid)
PARTITION BY LIST (k);
CREATE TABLE pgimport_test.parted_1 PARTITION OF pgimport_test.parted FOR VALUES IN (1);
CREATE TABLE pgimport_test.parted_2 PARTITION OF pgimport_test.parted FOR VALUES IN (2);
ALTER TABLE pgimport_test.parted_2 ADD CONSTRAINT parted_2_check CHECK (n < 5);
CREATE UNIQUE INDEX ON pgimport_test.parted (k);
INSERT INTO pgimport_test.parted VALUES (1, 1, 1), (2, 1, 1);
SELECT pgimport.register_target('pgimport_test.parted'::regclass, 'parted', '{k}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'parted') AS job \gset
SELECT pgimport_test.stage(:'job', '{k,n}', '{"1,6","2,6","3,6"}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid check:parted_2_check, invalid no_partition',
    'each partition has its own constraints'
);

-- a column that may be computed for the old row and not for the new one
SELECT pgimport_test.people_job('{code,to_day}', 'a,1', 'b,0') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'invalid generated:days, invalid check:people_days_check',
    'computed columns are computed from the new values'
);

-- an index that cannot be computed for the new row
CREATE TABLE pgimport_test.measure (k integer UNIQUE, n integer, used boolean, import_job_id uuid);
CREATE UNIQUE INDEX measure_n ON pgimport_test.measure ((10 / n)) WHERE used;
INSERT INTO pgimport_test.measure VALUES (1, 0, false), (2, 5, false);
SELECT pgimport.register_target('pgimport_test.measure'::regclass, 'measure', '{k}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'measure') AS job \gset
SELECT pgimport_test.stage(:'job', '{k,used}', '{"1,true","2,true"}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'), 'invalid index:measure_n, update',
    'a row that an index cannot hold afterwards is refused'
);

-- a check that is not valid for a row which is there
ALTER TABLE pgimport_test.people
ADD CONSTRAINT people_old_check CHECK (name <> 'Cy') NOT VALID;
SELECT pgimport_test.people_job('{code,city_id}', 'c,1', 'b,1') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'invalid check:people_old_check, update',
    'a row that breaks a constraint by what it was cannot be updated'
);
SELECT pgimport_test.people_job('{code,name}', 'c,Cyr', 'b,Cy') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid check:people_old_check',
    'but it can be mended'
);
SELECT * FROM finish();
ROLLBACK;
