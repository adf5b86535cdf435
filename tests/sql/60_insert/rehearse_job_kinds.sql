-- Partitions, generated columns, columns of any name.
BEGIN;
\ir ../setup.psql
\ir things.psql
SELECT plan(3);

-- kinds of tables
CREATE TABLE pgimport_test.parts (
    region text NOT NULL, code text NOT NULL, n integer,
    twice integer GENERATED ALWAYS AS (n * 2) STORED,
    id bigint GENERATED ALWAYS AS IDENTITY, UNIQUE (code, region)
) PARTITION BY LIST (region);
CREATE TABLE pgimport_test.parts_fr PARTITION OF pgimport_test.parts FOR VALUES IN ('fr');
CREATE TABLE pgimport_test.parts_de PARTITION OF pgimport_test.parts FOR VALUES IN ('de');
SELECT pgimport.register_target('pgimport_test.parts', 'parts', '{code,region}', '{}');
SELECT pgimport_test.new_job('{}', 'parts') AS parts \gset
SELECT pgimport_test.stage(:'parts', '{region,code,n}', '{"fr,A,1","de,A,1","de,B,2"}');
SELECT pgimport.check_job(:'parts');
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'parts'), 'passed', 'would_insert'),
    'passed=true would_insert=3', 'a partitioned table with a generated column is rehearsed'
);
CREATE TRIGGER judge BEFORE INSERT ON pgimport_test.parts_de
FOR EACH ROW EXECUTE FUNCTION pgimport_test.refuse();
SELECT is(
    pgimport_test.failures(pgimport.rehearse_job(:'parts')), '2 3 P4444; 3 4 P4444',
    'and triggers of partitions are fired'
);
CREATE TABLE pgimport_test."Odd ""Table""" ( -- noqa: RF05
    "select" text UNIQUE, place bigint, rank text, file_no text, v text -- noqa: RF04
);
SELECT pgimport.register_target('pgimport_test."Odd ""Table"""', 'odd', '{select}', '{}');
SELECT pgimport_test.new_job('{}', 'odd') AS odd \gset
SELECT pgimport_test.stage(:'odd', '{select,place,rank,file_no,v}', '{"a,7,f,9,s","b,7,f,9,s"}');
SELECT pgimport.check_job(:'odd');
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'odd', 1), 'passed', 'rehearsed'),
    'passed=true rehearsed=1', 'columns may have any name'
);

SELECT * FROM finish();
ROLLBACK;
