-- What is written to rows that are in the target, column by column.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(9);

SELECT pgimport.set_column('people', 'mail', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('people', 'age', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('people', 'from_day', '{"on_update": "keep"}');
UPDATE pgimport_test.people SET mail = ''
WHERE code = 'b';
SELECT pgimport_test.people_job(
    '{code,name,age,mail,from_day,city_id}', 'a,Anna,31,new@x,5,', 'b,,7,b@x,5,3', 'c,Cy,,,,',
    'n,New,1,n@x,5,1'
) AS job \gset
SELECT results_eq(
    format(
        $$SELECT r ->> 'class', r ->> 'changes'
        FROM jsonb_array_elements(pgimport.preview_job(%L) -> 'rows') AS r$$, :'job'
    ),
    $$VALUES
    ('update', '{"name": {"new": "Anna", "old": "Ann"}, "city_id": {"new": null, "old": "1"}}'),
    ('update', '{"age": {"new": "7", "old": null}, "mail": {"new": "b@x", "old": ""}, '
        '"city_id": {"new": "3", "old": "2"}}'),
    ('update', '{}'),
    ('insert', NULL)$$,
    'a preview shows what will be written: columns that keep their value are not listed'
);
SELECT is(
    pgimport_test.pick(
        pgimport.preview_job(:'job'), 'classes.insert', 'classes.update', 'would_update'
    ),
    'classes.insert=1 classes.update=3 would_update=3', 'and how many rows of each class'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    $$SELECT concat_ws(',', p.code, p.name, p.age, p.mail, p.from_day, p.city_id)
    FROM pgimport_test.people AS p ORDER BY p.code$$,
    ARRAY['a,Anna,30,ann@x,1', 'b,Bob,7,b@x,1,3', 'c,Cy,5,1', 'n,New,1,n@x,5,1'],
    'and this is what is written: overwrite also by a null, fill_blank what is null or empty, keep '
    'nothing'
);

-- two files with different columns
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{code,name}', '{"a,A1","b,"}');
SELECT pgimport_test.stage(:'job', '{code,city_id}', '{"c,3","a,2"}', '{}', 'b.csv');
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        $$SELECT r ->> 'class', r ->> 'changes'
        FROM jsonb_array_elements(pgimport.preview_job(%L) -> 'rows') AS r$$, :'job'
    ),
    $$VALUES ('update', '{"name": {"new": "A1", "old": "Anna"}}'), ('update', '{}'),
    ('update', '{"city_id": {"new": "3", "old": null}}'), ('skip', NULL)$$,
    'each row writes what its own file has; one that repeats another changes nothing'
);

-- constants and assignments
SELECT pgimport_test.new_job(
    '{"on_duplicate": "update", "constants": {"city_id": "2"}, "assignment": '
    '{"mode": "round_robin", "column": "age", "values": ["50", "60"]}}', 'people'
) AS job \gset
SELECT pgimport_test.stage(:'job', '{code,name}', '{"c,C","x,X","y,Y","b,B"}');
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        $$SELECT r ->> 'class', r -> 'values' ->> 'age', r ->> 'changes'
        FROM jsonb_array_elements(pgimport.preview_job(%L) -> 'rows') AS r
        WHERE r ->> 'class' = 'insert'$$, :'job'
    ),
    $$VALUES ('insert', '50', NULL), ('insert', '60', NULL)$$,
    'values are dealt out to the rows that are inserted'
);
SELECT results_eq(
    format(
        $$SELECT r ->> 'changes' FROM jsonb_array_elements(pgimport.preview_job(%L) -> 'rows') AS r
        WHERE r ->> 'class' = 'update'$$, :'job'
    ),
    $$VALUES ('{"name": {"new": "C", "old": "Cy"}, "city_id": {"new": "2", "old": null}}'),
    ('{"name": {"new": "B", "old": "Bob"}, "city_id": {"new": "2", "old": "3"}}')$$,
    'and never to one that is there; a constant is written to all'
);

SELECT pgimport_test.new_job(
    '{"on_duplicate": "update", "assignment": {"mode": "single", "column": "city_id", '
    '"values": ["1"]}}', 'people'
) AS job \gset
SELECT pgimport_test.stage(:'job', '{code,name}', '{"c,Cyd"}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport.preview_job(:'job') -> 'rows' -> 0 ->> 'changes',
    '{"name": {"new": "Cyd", "old": "Cy"}, "city_id": {"new": "1", "old": null}}',
    'a single value that is assigned is written to all'
);

SELECT pgimport_test.new_job(
    '{"on_duplicate": "update", "assignment": {"mode": "by_column", "column": "city_id", '
    '"source_column": "region", "map": {"north": "1"}}}', 'people'
) AS by_region \gset
SELECT pgimport_test.stage(:'by_region', '{code,region}', '{"b,north"}');
SELECT pgimport_test.stage(:'by_region', '{code,name}', '{"a,A2"}', '{}', 'b.csv');
SELECT pgimport.check_job(:'by_region');
SELECT results_eq(
    format(
        $$SELECT r ->> 'changes'
        FROM jsonb_array_elements(pgimport.preview_job(%L) -> 'rows') AS r$$,
        :'by_region'
    ),
    ARRAY[
        '{"city_id": {"new": "1", "old": "3"}}', '{"name": {"new": "A2", "old": "Anna"}}'
    ], 'a value that is assigned by a field is written where the file has the field'
);

SELECT pgimport.set_column('people', 'city_id', '{"on_update": "keep"}');
SELECT throws_ok(
    format($$SELECT pgimport.insert_job(%L)$$, :'job'), 'PI102', NULL,
    'a rule on_update that changed since the check asks for a new one'
);
SELECT * FROM finish();
ROLLBACK;
