BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(26);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
INSERT INTO pgimport_test.item (id, name, price, note, email) VALUES
(1, 'one', 1.50, 'n1', 'a@x'), (2, 'two', 2.00, 'n2', 'b@x'), (3, NULL, NULL, 'n3', 'c@x'),
(4, 'four', 4.00, 'n4', 'd@x');
SELECT pgimport_test.items() AS before \gset
SELECT pgimport_test.items_job(
    ARRAY[
        '1,uno,1.5,z@x', '2,two,2,b@x', '3,tre,3,c@x', '4,quattro,4.00,d@x', '5,cinque,5,e@x',
        '6,sei,6,f@x'
    ]
) AS job \gset

-- delete, restore
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job'), 'eligible', 'delete', 'restore', 'already_gone',
        'modified', 'taken', 'rewritten', 'rows_inserted', 'rows_updated', 'refused_because'
    ),
    'eligible=true delete=2 restore=3 already_gone=0 modified=0 taken=0 rewritten=0 '
    'rows_inserted=2 rows_updated=3 refused_because=null',
    'what was inserted is to be deleted, what was updated to be restored, the rest left alone'
);
SELECT is(
    pgimport_test.plan_rows(:'job', 'delete'), 'inserted 5; inserted 6', 'row by row: delete'
);
SELECT is(
    pgimport_test.plan_rows(:'job', 'restore'), 'updated 1; updated 3; updated 4',
    'row by row: restore'
);
SELECT is(pgimport_test.plan_rows(:'job', 'modified'), 'none', 'nothing is modified');

-- rewritten, but equal
UPDATE pgimport_test.item SET name = name
WHERE id IN (4, 6);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job'), 'delete', 'restore', 'rewritten', 'modified'
    ),
    'delete=2 restore=3 rewritten=2 modified=0', 'rows that were rewritten as they were are equal'
);
SELECT results_eq(
    format(
        'SELECT r.key ->> ''id'', r.detail FROM pgimport.rollback_rows(%L, ''delete'') AS r',
        :'job'
    ),
    $$VALUES ('5', 'untouched since'), ('6', 'rewritten, but equal')$$,
    'the list says by what a row is proved'
);
SELECT results_eq(
    format(
        'SELECT r.key ->> ''id'', r.detail FROM pgimport.rollback_rows(%L, ''restore'') AS r',
        :'job'
    ),
    $$VALUES ('1', 'untouched since'), ('3', 'untouched since'), ('4', 'rewritten, but equal')$$,
    'also of the updated ones'
);

-- columns that the job did not write
UPDATE pgimport_test.item SET note = 'seen'
WHERE id = 1;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'restore', 'modified'),
    'restore=3 modified=0', 'another column of an updated row is none of the job''s business'
);
UPDATE pgimport_test.item SET note = 'seen'
WHERE id = 5;
SELECT is(
    pgimport_test.plan_rows(:'job', 'modified'), 'inserted 5 {note}',
    'any column of an inserted row makes it modified, also one the file did not fill'
);
UPDATE pgimport_test.item SET note = 'none'
WHERE id = 5;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'modified'), 'delete=2 modified=0',
    'a change that somebody took back is no modification'
);

-- modified: which columns
UPDATE pgimport_test.item SET name = 'V', price = 55
WHERE id = 5;
UPDATE pgimport_test.item SET price = 3.30
WHERE id = 3;
UPDATE pgimport_test.item SET id = 60
WHERE id = 6;
SELECT is(
    pgimport_test.plan_rows(:'job', 'modified'),
    'inserted 5 {name,price}; inserted 60 {id}; updated 3 {price}',
    'modified rows are listed with their columns, one with another key by that'
);
SELECT pgimport.plan_rollback(:'job') AS modified \gset
SELECT is(
    pgimport_test.pick(
        :'modified', 'delete', 'restore', 'modified', 'modified_inserted', 'modified_updated',
        'refused_because'
    ),
    'delete=0 restore=2 modified=3 modified_inserted=2 modified_updated=1 '
    'refused_because=3 rows modified since', 'and counted'
);
SELECT is(
    :'modified'::jsonb #> '{details,modified_rows,0}',
    '{"kind": "inserted", "key": {"id": "5"}, "columns": ["name", "price"]}',
    'the first ones are in the plan itself'
);
SELECT is(
    (
        SELECT string_agg(r.key ->> 'id', ',') FROM pgimport.rollback_rows(
                :'job', 'modified', 1, 1
            ) AS r
    ), '60', 'the list comes in pages'
);
SELECT is(
    pgimport_test.pick(
        (
            SELECT e.details FROM pgimport.job_events(:'job') AS e
            WHERE e.event = 'rollback_planned'
            ORDER BY e.event_id DESC LIMIT 1
        ), 'delete', 'restore', 'modified'
    ), 'delete=0 restore=2 modified=3', 'the plan is in the history'
);

-- without the staged rows
SELECT pgimport.clear_staging(:'job');
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'modified'),
    'delete=0 restore=2 modified=3', 'the classes do not depend on the staged rows'
);
UPDATE pgimport_test.item SET name = 'cinque', price = 5
WHERE id = 5;
UPDATE pgimport_test.item SET price = 3
WHERE id = 3;
UPDATE pgimport_test.item SET id = 6
WHERE id = 60;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'modified'),
    'delete=2 restore=3 modified=0', 'nor does the proof that they are equal'
);

-- already gone
DELETE FROM pgimport_test.item
WHERE id IN (1, 6);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'already_gone'),
    'delete=1 restore=2 already_gone=2', 'rows that somebody deleted are gone already'
);
SELECT is(
    pgimport_test.plan_rows(:'job', 'gone'), 'updated 1', 'of those that were updated, which'
);

-- a value that is taken
INSERT INTO pgimport_test.item (id, name, email) VALUES (9, 'nine', 'nine@x');
SELECT pgimport_test.items_job('{"9,nine,1,changed@x","2,two,2,two@x"}') AS taken \gset
UPDATE pgimport_test.item SET email = 'nine@x'
WHERE id = 4;
SELECT pgimport.plan_rollback(:'taken') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'restore', 'taken', 'refused_because'),
    'restore=2 taken=1 '
    'refused_because=the old values of 1 row are taken by other rows now',
    'an old value that another row has now is found before anything moves'
);
SELECT is(
    pgimport_test.plan_rows(:'taken', 'taken'), 'updated 9 {email}', 'and listed with its column'
);
SELECT
    is(
        pgimport_test.pick(pgimport.rollback_job(:'taken', m), 'success', 'code'),
        'success=false code=PI504', format('it stops mode %s', m)
    )
FROM unnest('{refuse,keep_modified,force}'::text[]) AS m;
UPDATE pgimport_test.item SET email = 'd@x'
WHERE id = 4;
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'taken'), 'success', 'rows_restored'),
    'success=true rows_restored=2', 'until it is free again'
);

-- the whole
SELECT pgimport.rollback_job(:'job');
DELETE FROM pgimport_test.item
WHERE id = 9;
INSERT INTO pgimport_test.item (id, name, price, note, email) VALUES (1, 'one', 1.50, 'n1', 'a@x');
SELECT is(pgimport_test.items(), :'before', 'in the end the table is as it was before');

SELECT * FROM finish();
ROLLBACK;
