BEGIN;
\ir ../setup.psql
\ir doomed.psql
SELECT plan(13);

CREATE TABLE pgimport_test.parent (
    id integer PRIMARY KEY,
    a text,
    b integer,
    name text COLLATE "C" UNIQUE,
    UNIQUE (a, b)
);
INSERT INTO pgimport_test.parent
VALUES (1, 'x', 1, 'one'), (2, 'x', 2, 'two'), (3, 'y', 1, 'three');

-- every ON DELETE
CREATE TABLE pgimport_test.kinds (
    a integer CONSTRAINT k1 REFERENCES pgimport_test.parent ON DELETE NO ACTION,
    b integer CONSTRAINT k2 REFERENCES pgimport_test.parent ON DELETE RESTRICT,
    c integer CONSTRAINT k3 REFERENCES pgimport_test.parent ON DELETE CASCADE,
    d integer CONSTRAINT k4 REFERENCES pgimport_test.parent ON DELETE SET NULL,
    e integer CONSTRAINT k5 REFERENCES pgimport_test.parent ON DELETE SET DEFAULT
);
INSERT INTO pgimport_test.kinds VALUES (1, 1, 1, 1, 1), (1, 2, 2, 2, 2), (3, 3, 3, 3, 3);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 1'),
    'k1 2 no action; k2 1 restrict; k3 1 cascade; k4 1 set null; k5 1 set default',
    'each key counts the rows that refer by it, whatever ON DELETE would do'
);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'false'), 'none',
    'where nothing is deleted nothing depends on it'
);
DROP TABLE pgimport_test.kinds;

-- several columns
CREATE TABLE pgimport_test.simple_pair (
    b integer,
    a text,
    CONSTRAINT simple_fkey FOREIGN KEY (a, b) REFERENCES pgimport_test.parent (a, b)
);
INSERT INTO pgimport_test.simple_pair (a, b)
VALUES ('x', 1), ('x', 1), ('x', NULL), (NULL, 1), (NULL, NULL), ('y', 1);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 1'), 'simple_fkey 2 no action',
    'a key of several columns counts rows that refer by all of them'
);
DROP TABLE pgimport_test.simple_pair;
CREATE TABLE pgimport_test.full_pair (
    b integer,
    a text,
    CONSTRAINT full_fkey FOREIGN KEY (a, b) REFERENCES pgimport_test.parent (a, b) MATCH FULL
);
INSERT INTO pgimport_test.full_pair (a, b) VALUES ('x', 1), (NULL, NULL);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 1'), 'full_fkey 1 no action',
    'so does one with MATCH FULL, in which null refers to nothing'
);
DROP TABLE pgimport_test.full_pair;

-- other types and collations on the two sides
CREATE TABLE pgimport_test.other_types (
    parent_id bigint CONSTRAINT types_fkey REFERENCES pgimport_test.parent,
    parent_name varchar(20) COLLATE "POSIX"
    CONSTRAINT collations_fkey REFERENCES pgimport_test.parent (name)
);
INSERT INTO pgimport_test.other_types VALUES (1, 'two'), (2, NULL);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id IN (1, 2)'),
    'collations_fkey 1 no action; types_fkey 2 no action',
    'a key compares as PostgreSQL does where the two sides have other types or collations'
);
DROP TABLE pgimport_test.other_types;

-- names that need quotes
SELECT
    format(
        'CREATE TABLE pgimport_test.%I (%I integer CONSTRAINT %I REFERENCES pgimport_test.parent)',
        'odd "name', 't.id; --', 'odd %s key'
    )
\gexec
SELECT format('INSERT INTO pgimport_test.%I VALUES (1)', 'odd "name') \gexec
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 1'), 'odd %s key 1 no action',
    'names may hold anything'
);
SELECT matches(
    (
        SELECT d.warnings ->> 0 FROM pgimport._dependents(
                'pgimport_test.parent', pgimport_test.doomed('pgimport_test.parent', 'id = 1')
            ) AS d
    ),
    'table pgimport_test."odd ""name" refers to this one without an index: a rollback would be '
    'slow; CREATE INDEX ON pgimport_test."odd ""name" \("t.id; --"\);',
    'the index to make is told in full'
);
SELECT format('DROP TABLE pgimport_test.%I', 'odd "name') \gexec

-- a child that is partitioned, and one of whose partitions has a key of its own
CREATE TABLE pgimport_test.part_child (
    region text,
    parent_id integer CONSTRAINT whole_fkey REFERENCES pgimport_test.parent
) PARTITION BY LIST (region);
CREATE TABLE pgimport_test.part_child_a PARTITION OF pgimport_test.part_child FOR VALUES IN ('a');
CREATE TABLE pgimport_test.part_child_b PARTITION OF pgimport_test.part_child FOR VALUES IN ('b');
ALTER TABLE pgimport_test.part_child_a
ADD CONSTRAINT one_fkey FOREIGN KEY (region) REFERENCES pgimport_test.parent (name)
NOT VALID;
INSERT INTO pgimport_test.parent VALUES (4, 'z', 9, 'a');
INSERT INTO pgimport_test.part_child VALUES ('a', 1), ('a', 2), ('b', 1);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 1'), 'whole_fkey 2 no action',
    'a partitioned table is counted once, not again with each partition'
);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 4'), 'one_fkey 2 no action',
    'a key that one partition has alone is counted in it'
);
SELECT is(
    pgimport_test.deep('pgimport_test.parent', 'id IN (1, 4)'),
    '3 rows: 1 whole_fkey 2 no action; 1 one_fkey 1 no action',
    'a row of both is deleted once'
);
SELECT is(
    pgimport_test.cascade('pgimport_test.parent', 'id IN (1, 4)'),
    '2 and 3: {"part_child": 2, "part_child_a": 1}',
    'and that is what happens'
);
DROP TABLE pgimport_test.part_child;

-- a child with heirs: they have no foreign key
CREATE TABLE pgimport_test.legator (
    parent_id integer CONSTRAINT legator_fkey REFERENCES pgimport_test.parent
);
CREATE TABLE pgimport_test.heir () INHERITS (pgimport_test.legator);
INSERT INTO pgimport_test.legator VALUES (2);
INSERT INTO pgimport_test.heir VALUES (2), (77);
SELECT is(
    pgimport_test.direct('pgimport_test.parent', 'id = 2'), 'legator_fkey 1 no action',
    'rows of a table that inherits the column do not depend'
);
DROP TABLE pgimport_test.legator CASCADE;

-- many rows are found in another way than few
INSERT INTO pgimport_test.parent (id) SELECT g.i FROM generate_series(1000, 101100) AS g (i);
CREATE TABLE pgimport_test.kid (
    id integer PRIMARY KEY,
    parent_id integer CONSTRAINT kid_fkey REFERENCES pgimport_test.parent,
    kid_id integer CONSTRAINT kid_kid_fkey REFERENCES pgimport_test.kid
);
INSERT INTO pgimport_test.kid VALUES (1, 1000, NULL), (2, 101100, 1), (3, 3, 2);
SELECT is(
    pgimport_test.deep('pgimport_test.parent', 'id >= 1000'),
    '3 rows: 1 kid_fkey 2 no action; 2 kid_kid_fkey 1 no action',
    'so are the dependents of more than a hundred thousand rows'
);

SELECT * FROM finish();
ROLLBACK;
