BEGIN;
\ir ../setup.psql
SELECT plan(26);

SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A,B,C}') AS job \gset

CREATE TABLE pgimport_test.sale (
    code_id bigint CONSTRAINT sale_fkey REFERENCES pgimport_test.codes ON DELETE CASCADE
);

-- dependents in a plan: constraint, rows and what ON DELETE does
CREATE FUNCTION pgimport_test.dependents(p_job_id uuid)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(string_agg(
            concat_ws(' ', d ->> 'table', d ->> 'constraint', d ->> 'count', d ->> 'on_delete'),
            '; '
            ORDER BY d ->> 'constraint'
        ), 'none')
    FROM jsonb_array_elements(pgimport.plan_rollback(p_job_id) -> 'dependents') AS d;
END;

SELECT is(pgimport_test.dependents(:'job'), 'none', 'a foreign key without rows is no dependent');
SELECT matches(
    pgimport.plan_rollback(:'job') #>> '{warnings,0}', 'CREATE INDEX ON pgimport_test.sale',
    'a foreign key without an index is warned of, with the index to make'
);
CREATE INDEX sale_code_id_idx ON pgimport_test.sale (code_id);
SELECT is(
    pgimport.plan_rollback(:'job') -> 'warnings', '[]'::jsonb, 'with the index the warning is gone'
);

INSERT INTO pgimport_test.sale
SELECT c.id FROM pgimport_test.codes AS c
WHERE c.code IN ('A', 'B');
SELECT is(
    pgimport_test.dependents(:'job'), 'pgimport_test.sale sale_fkey 2 cascade',
    'rows that refer to the job''s rows are counted by foreign key'
);
SELECT pgimport.rollback_job(:'job') AS refused \gset
SELECT is(
    pgimport_test.pick(:'refused', 'success', 'status', 'code', 'rows_deleted'),
    'success=false status=completed code=PI504 rows_deleted=0', 'they stop a rollback'
);
SELECT matches(
    :'refused'::jsonb ->> 'message', '2 rows of pgimport_test.sale',
    'the message names table and number'
);
SELECT
    is(
        pgimport_test.pick(pgimport.rollback_job(:'job', m), 'success', 'code'),
        'success=false code=PI504', format('also with mode %s', m)
    )
FROM unnest('{keep_modified,force}'::text[]) AS m;
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.sale), 2, 'and nothing was cascaded'
);

-- a dependent of a row that only force would delete
DELETE FROM pgimport_test.sale;
UPDATE pgimport_test.codes SET sku = 'edited'
WHERE code = 'C';
INSERT INTO pgimport_test.sale SELECT c.id FROM pgimport_test.codes AS c
WHERE c.code = 'C';
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'job', 'force'), 'success', 'code'),
    'success=false code=PI504', 'a dependent of a modified row stops a rollback by force'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.sale), 1, 'it is not cascaded away'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', 'keep_modified'), 'success', 'rows_deleted', 'rows_kept'
    ), 'success=true rows_deleted=2 rows_kept=1', 'where the modified row is kept it stops nothing'
);
DROP TABLE pgimport_test.sale;

-- every kind of ON DELETE
SELECT pgimport_test.completed_job('{K1,K2}') AS kinds \gset
CREATE TABLE pgimport_test.kinds (
    a bigint CONSTRAINT k1 REFERENCES pgimport_test.codes ON DELETE NO ACTION,
    b bigint CONSTRAINT k2 REFERENCES pgimport_test.codes ON DELETE RESTRICT,
    c bigint CONSTRAINT k3 REFERENCES pgimport_test.codes ON DELETE CASCADE,
    d bigint CONSTRAINT k4 REFERENCES pgimport_test.codes ON DELETE SET NULL,
    e bigint DEFAULT NULL CONSTRAINT k5 REFERENCES pgimport_test.codes ON DELETE SET DEFAULT
);
INSERT INTO pgimport_test.kinds
SELECT c.id AS a, c.id AS b, c.id AS c, c.id AS d, c.id AS e
FROM pgimport_test.codes AS c
WHERE c.code = 'K1';
SELECT is(
    pgimport_test.dependents(:'kinds'),
    'pgimport_test.kinds k1 1 no action; pgimport_test.kinds k2 1 restrict; '
    'pgimport_test.kinds k3 1 cascade; pgimport_test.kinds k4 1 set null; '
    'pgimport_test.kinds k5 1 set default',
    'dependents are counted whatever ON DELETE would do, and say what'
);
SELECT is(
    jsonb_array_length(pgimport.plan_rollback(:'kinds') -> 'warnings'), 5,
    'each of the five has its warning'
);
DELETE FROM pgimport_test.kinds;
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'kinds'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'without dependents the job is rolled back'
);
DROP TABLE pgimport_test.kinds;

-- a foreign key of several columns
SELECT pgimport_test.completed_job('{P1,P2}') AS pairs \gset
CREATE TABLE pgimport_test.pair (
    m uuid,
    k text,
    CONSTRAINT pair_fkey FOREIGN KEY (k, m) REFERENCES pgimport_test.codes (code, merchant_id)
);
INSERT INTO pgimport_test.pair VALUES (pgimport_test.merchant(), 'P1'), (NULL, 'P2');
SELECT is(
    pgimport_test.dependents(:'pairs'), 'pgimport_test.pair pair_fkey 1 no action',
    'a foreign key of several columns counts, a null part does not'
);
DROP TABLE pgimport_test.pair;

-- a table that refers to itself
CREATE TABLE pgimport_test.tree (
    code text PRIMARY KEY,
    parent text CONSTRAINT tree_fkey REFERENCES pgimport_test.tree,
    note text
);
CREATE INDEX tree_parent_idx ON pgimport_test.tree (parent);
SELECT pgimport.register_target('pgimport_test.tree', 'tree', '{code}', '{}');
SELECT pgimport_test.new_job('{}', 'tree') AS tree_job \gset
SELECT pgimport_test.stage(:'tree_job', '{code,parent}', '{"2,1","1,","3,2"}');
SELECT pgimport.check_job(:'tree_job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'tree_job'), 'rows_inserted'), 'rows_inserted=3',
    'rows that refer to each other are inserted together'
);
SELECT is(
    pgimport_test.dependents(:'tree_job'), 'none',
    'a row of the same job is no dependent of it'
);
INSERT INTO pgimport_test.tree (code, parent) VALUES ('X', '3');
SELECT is(
    pgimport_test.dependents(:'tree_job'), 'pgimport_test.tree tree_fkey 1 no action',
    'somebody else''s row in the same table is'
);
DELETE FROM pgimport_test.tree
WHERE code = 'X';
UPDATE pgimport_test.tree SET note = 'mine'
WHERE code = '3';
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'tree_job', 'keep_modified'), 'success', 'code'),
    'success=false code=PI504', 'so is a modified row that would be kept'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'tree_job', 'force'), 'success', 'rows_deleted'),
    'success=true rows_deleted=3', 'which goes, too, by force'
);

-- somebody else's row that carries no job
SELECT pgimport_test.new_job('{}', 'tree') AS other_job \gset
SELECT pgimport_test.stage(:'other_job', '{code,parent}', '{"O1,"}');
SELECT pgimport.check_job(:'other_job');
SELECT pgimport.insert_job(:'other_job');
INSERT INTO pgimport_test.tree (code, parent) VALUES ('Y', 'O1');
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'other_job', 'force'), 'success', 'code'),
    'success=false code=PI504', 'a row of the same table that no job made is a dependent by force'
);

-- a foreign key that refers to one partition
CREATE TABLE pgimport_test.parts (region text, code text, UNIQUE (code, region))
PARTITION BY LIST (region);
CREATE TABLE pgimport_test.parts_fr PARTITION OF pgimport_test.parts FOR VALUES IN ('fr');
CREATE TABLE pgimport_test.parts_de PARTITION OF pgimport_test.parts FOR VALUES IN ('de');
ALTER TABLE pgimport_test.parts_fr ADD CONSTRAINT parts_fr_key UNIQUE (code);
CREATE TABLE pgimport_test.part_sale (
    code text CONSTRAINT part_sale_fkey
    REFERENCES pgimport_test.parts_fr (code) ON DELETE CASCADE
);
SELECT pgimport.register_target('pgimport_test.parts', 'parts', '{code,region}', '{}');
SELECT pgimport_test.new_job('{}', 'parts') AS parts_job \gset
SELECT pgimport_test.stage(:'parts_job', '{region,code}', '{"fr,A","de,A","de,B"}');
SELECT pgimport.check_job(:'parts_job');
SELECT pgimport.insert_job(:'parts_job');
INSERT INTO pgimport_test.part_sale VALUES ('A');
SELECT is(
    pgimport_test.dependents(:'parts_job'), 'pgimport_test.part_sale part_sale_fkey 1 cascade',
    'a foreign key to one partition of the target counts, too'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'parts_job'), 'success', 'code'),
    'success=false code=PI504', 'and stops the rollback'
);
DELETE FROM pgimport_test.part_sale;
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'parts_job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=3', 'as long as there are such rows'
);

-- triggers
CREATE FUNCTION pgimport_test.note()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN old;
END;
$$;
CREATE TRIGGER goodbye BEFORE DELETE ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.note();
SELECT is(
    pgimport.plan_rollback(:'pairs') -> 'warnings', '["triggers will fire: \"goodbye\""]'::jsonb,
    'triggers on DELETE are named'
);

SELECT * FROM finish();
ROLLBACK;
