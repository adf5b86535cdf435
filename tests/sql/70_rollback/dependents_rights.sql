BEGIN;
\ir ../setup.psql
\ir doomed.psql
SELECT plan(10);

CREATE TABLE pgimport_test.parent (id integer PRIMARY KEY);
CREATE TABLE pgimport_test.child (
    id integer PRIMARY KEY,
    parent_id integer CONSTRAINT child_fkey REFERENCES pgimport_test.parent
);
CREATE INDEX child_parent_idx ON pgimport_test.child (parent_id);
CREATE TABLE pgimport_test.grandchild (
    child_id integer CONSTRAINT grandchild_fkey REFERENCES pgimport_test.child ON DELETE CASCADE
);
CREATE INDEX grandchild_idx ON pgimport_test.grandchild (child_id);
INSERT INTO pgimport_test.parent VALUES (1);
INSERT INTO pgimport_test.child VALUES (1, 1), (2, 1);
INSERT INTO pgimport_test.grandchild VALUES (1);

CREATE FUNCTION pgimport_test.warned()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT string_agg(replace(w.value, current_user, 'ME'), '; ')
    FROM
        pgimport._cascade(
            'pgimport_test.parent', pgimport_test.doomed('pgimport_test.parent', 'true')
        ) AS d,
        jsonb_array_elements_text(d.warnings) AS w (value);
END;

SELECT is(pgimport_test.warned(), NULL, 'there is nothing to warn of where all can be read');

SELECT is(
    pgimport._refused_because(
        '{
            "dependents": [{"table": "hidden", "count": null, "on_delete": "cascade"}],
            "modified": 0, "taken": 0, "later_jobs": []
        }', 'cascade', true
    ), 'rows of hidden that cannot be counted depending on them',
    'what would be deleted without being counted refuses every rollback'
);

SELECT NOT current_setting('is_superuser')::boolean AS is_plain \gset
\if :is_plain
-- the owner of a table takes his own right away
SELECT format('REVOKE SELECT ON pgimport_test.grandchild FROM %I', current_user) \gexec
SELECT is(
    pgimport_test.warned(),
    'table pgimport_test.grandchild refers to pgimport_test.child; role "ME" may not read it: its '
    'rows cannot be counted', 'a table that the caller may not read is told, with his role'
);
SELECT is(
    pgimport_test.deep('pgimport_test.parent', 'true'),
    '2 rows: 1 child_fkey 2 no action; 1 grandchild_fkey ? cascade',
    'where rows of it would be deleted they stand in the list, without a number'
);
ALTER TABLE pgimport_test.grandchild DROP CONSTRAINT grandchild_fkey,
ADD CONSTRAINT grandchild_fkey FOREIGN KEY (child_id) REFERENCES pgimport_test.child;
SELECT is(
    pgimport_test.deep('pgimport_test.parent', 'true'), '2 rows: 1 child_fkey 2 no action',
    'where the database refuses to leave them alone they do not'
);
SELECT throws_ok(
    $$SELECT pgimport_test.cascade('pgimport_test.parent', 'true')$$, '42501', NULL,
    'and it does refuse, here because the owner of the table may not even look'
);
SELECT format('GRANT SELECT ON pgimport_test.grandchild TO %I', current_user) \gexec
SELECT format('REVOKE DELETE ON pgimport_test.grandchild FROM %I', current_user) \gexec
SELECT throws_ok(
    $$SELECT pgimport_test.cascade('pgimport_test.parent', 'true')$$, '42501', NULL,
    'to delete rows of a table one needs the right to'
);
SELECT format('GRANT DELETE ON pgimport_test.grandchild TO %I', current_user) \gexec

ALTER TABLE pgimport_test.grandchild ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT is(
    pgimport_test.warned(),
    'table pgimport_test.grandchild refers to pgimport_test.child; row-level security hides rows '
    'of it from role "ME", which are not counted', 'rows that a policy hides are told of'
);
SELECT is(
    pgimport_test.deep('pgimport_test.parent', 'true'), '2 rows: 1 child_fkey 2 no action',
    'they are not counted'
);
SELECT throws_ok(
    $$SELECT pgimport_test.cascade('pgimport_test.parent', 'true')$$, '23503', NULL,
    'and not deleted'
);
\else
SELECT skip('rights do not hold a superuser', 8);
\endif

SELECT * FROM finish();
ROLLBACK;
