-- References of a table to itself, in a job that updates.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(3);

CREATE TABLE pgimport_test.tree (
    id integer PRIMARY KEY,
    label text UNIQUE,
    parent integer CONSTRAINT tree_parent_fkey REFERENCES pgimport_test.tree (id),
    import_job_id uuid
);
INSERT INTO pgimport_test.tree VALUES (1, 'one', NULL), (2, 'two', 1);
SELECT pgimport.register_target('pgimport_test.tree'::regclass, 'tree', '{id}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'tree') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{id,label,parent}',
    '{"1,one,2","2,two,9","3,three,1","4,four,3","5,three,1","6,six,5","2,two,4"}'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'),
    'update, invalid foreign_key:tree_parent_fkey, insert, insert, '
    'invalid unique:tree_label_key, invalid foreign_key:tree_parent_fkey, '
    'invalid foreign_key:tree_parent_fkey',
    'a row may refer to rows of the table; one that is inserted also to others of the job, as far '
    'as they are inserted; one that is updated not, as updates come first'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_updated'),
    'success=true rows_inserted=2 rows_updated=1', 'what the check lets through goes in'
);
SELECT results_eq(
    $$SELECT t.parent FROM pgimport_test.tree AS t ORDER BY t.id$$, ARRAY[2, 1, 1, 3],
    'as the file says'
);
SELECT * FROM finish();
ROLLBACK;
