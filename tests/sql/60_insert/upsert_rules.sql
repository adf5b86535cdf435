-- What an update writes, column by column and row by row.
BEGIN;
\ir ../setup.psql
SELECT plan(17);

CREATE TABLE pgimport_test.people (
    id bigint GENERATED ALWAYS AS IDENTITY,
    code text PRIMARY KEY,
    name text,
    phone text,
    note text,
    age integer,
    level integer NOT NULL DEFAULT 1,
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    import_job_id uuid
);
SELECT pgimport.register_target(
    'pgimport_test.people', 'people', '{code}', '{"on_duplicate": "update"}'
);
SELECT pgimport.set_column('people', 'phone', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('people', 'age', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('people', 'note', '{"on_update": "keep"}');
INSERT INTO pgimport_test.people (code, name, phone, note, age, level) VALUES
('A', 'Ann', '1', 'old', 30, 5),
('B', 'Bob', '', 'old', NULL, 5),
('C', 'Cid', NULL, NULL, 0, 5),
('D', 'Dot', '4', 'old', 44, 5);
CREATE TEMP TABLE before AS SELECT p.code, p.xmin AS written_by FROM pgimport_test.people AS p;

SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,name,phone,note,age,level}',
    '{"A,Anna,9,new,99,","B,,8,new,88,7","C,Cid,7,new,77,5","D,Dot,9,new,99,5","E,Eve,5,new,55,"}'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'expected', 'rows_inserted', 'rows_updated', 'rows_unchanged',
        'rows_skipped', 'counts.rows_unchanged'
    ),
    'success=true expected=5 rows_inserted=1 rows_updated=3 rows_unchanged=1 rows_skipped=1 '
    'counts.rows_unchanged=1',
    'rows that are new are inserted, those that differ updated, the others left alone'
);
SELECT is(
    :'answer'::jsonb ->> 'message',
    '1 row inserted, 3 updated, 1 unchanged, 0 skipped as duplicates, 0 rejected',
    'and said in a sentence'
);
SELECT is(
    (
        SELECT p.name FROM pgimport_test.people AS p
        WHERE p.code = 'A'
    ), 'Anna',
    'overwrite takes the value of the file'
);
SELECT is(
    (
        SELECT p.name FROM pgimport_test.people AS p
        WHERE p.code = 'B'
    ), NULL,
    'also when the file has none'
);
SELECT is(
    (
        SELECT p.level FROM pgimport_test.people AS p
        WHERE p.code = 'A'
    ), 5,
    'but a column that must not be null keeps its value, and takes no default'
);
SELECT is(
    (
        SELECT string_agg(coalesce(p.phone, '-'), ' ' ORDER BY p.code)
        FROM pgimport_test.people AS p
        WHERE p.code < 'E'
    ), '1 8 7 4',
    'fill_blank fills what is null or empty and nothing else'
);
SELECT is(
    (
        SELECT string_agg(p.age::text, ' ' ORDER BY p.code)
        FROM pgimport_test.people AS p
        WHERE p.code < 'E'
    ), '30 88 0 44',
    'zero is not blank'
);
SELECT is(
    (SELECT string_agg(coalesce(p.note, '-'), ' ' ORDER BY p.code) FROM pgimport_test.people AS p),
    'old old - old new', 'keep leaves a column as it is, also an empty one, and writes new rows'
);
SELECT is(
    (
        SELECT string_agg(b.code, ' ') FROM pg_temp.before AS b
        INNER JOIN pgimport_test.people AS p ON b.code = p.code AND b.written_by = p.xmin
    ), 'D', 'a row that is as the file says is not written'
);
SELECT is(
    (
        SELECT string_agg(p.code, ' ') FROM pgimport_test.people AS p
        WHERE p.import_job_id = :'job'
    ),
    'E', 'the id of a job is that of the job that inserted the row'
);
SELECT is(
    (
        SELECT p.shout FROM pgimport_test.people AS p
        WHERE p.code = 'A'
    ), 'ANNA',
    'computed columns follow'
);
SELECT is(
    (
        SELECT j.updated_columns FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ),
    '{name,phone,age,level}'::text[], 'the job says which columns it may have updated'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count', 'updated_found'
    ),
    'verified=true expected_count=4 actual_count=4 updated_found=3', 'the job is verified'
);

-- a column that a row's own file does not have
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{code,name}', '{"A,Ada","D,Dot"}', '{}', 'names.csv');
SELECT pgimport_test.stage(:'job', '{code,level}', '{"B,2","C,3"}', '{}', 'levels.csv');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'rows_updated', 'rows_unchanged'),
    'rows_updated=3 rows_unchanged=1', 'files of one job may have different columns'
);
SELECT is(
    (
        SELECT string_agg(concat(coalesce(p.name, '-'), p.level), ' ' ORDER BY p.code)
        FROM pgimport_test.people AS p
        WHERE p.code < 'E'
    ), 'Ada5 -2 Cid3 Dot5', 'a column that its own file does not have keeps its value'
);

-- only the key
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{code}', '{"A","F"}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ),
    'rows_inserted=1 rows_updated=0 rows_unchanged=1', 'a file of keys alone updates nothing'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=1', 'and that is verified'
);

SELECT * FROM finish();
ROLLBACK;
