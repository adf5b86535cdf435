-- What a row must have that is in the target already.
BEGIN;
\ir ../setup.psql
\ir people.psql
SELECT plan(8);

SELECT pgimport_test.people_job('{code,age}', 'a,31', 'n,1') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid required',
    'a required column that no file has is an issue only of rows that would be inserted'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'would_insert', 'would_update', 'valid'),
    'would_insert=0 would_update=1 valid=false', 'the check says how many would be updated'
);

SELECT pgimport_test.people_job('{code,name,rank}', 'a,,', 'n,,', 'm,Mo,', 'b,Bo,0') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'),
    'update, invalid required, insert, invalid check:rank_check',
    'an empty field of a required column keeps what is there, also where a domain takes no null; '
    'a value that the domain refuses is refused in every row'
);
SELECT is(
    (pgimport.insert_job(:'job') ->> 'success')::boolean, true, 'such a job can be inserted'
);
SELECT results_eq(
    $$SELECT p.name || p.rank FROM pgimport_test.people AS p WHERE p.code IN ('a', 'm')
    ORDER BY p.code$$,
    ARRAY['Ann1', 'Mo1'], 'what the file does not have is as it was, or the default'
);

-- two files, and only one of them has the column
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{code,name}', '{"b,Bert","k,Kim"}');
SELECT pgimport_test.stage(:'job', '{code,age}', '{"c,6","l,7"}', '{}', 'b.csv');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.classes(:'job'), 'update, insert, update, invalid required',
    'of two files each row is asked for what it needs'
);

SELECT pgimport.set_column('people', 'name', '{"required": true}');
SELECT pgimport_test.people_job('{code,name}', 'a,', 'n,') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'invalid required, invalid required',
    'a column that a rule requires and every file has needs a value in every row'
);
SELECT pgimport_test.people_job('{code,age}', 'a,3', 'n,3') AS job \gset
SELECT is(
    pgimport_test.classes(:'job'), 'update, invalid required',
    'but rows that are updated do without it where no file has it'
);
SELECT * FROM finish();
ROLLBACK;
