-- The table of before-images gives every value back exactly.
BEGIN;
\ir ../setup.psql
SELECT plan(12);

CREATE TYPE pgimport_test.mood AS ENUM ('low', 'high');
CREATE DOMAIN pgimport_test.short AS varchar(5) CHECK (value <> 'bad');
CREATE TABLE pgimport_test.things (
    code text PRIMARY KEY,
    f double precision, n numeric, m numeric(10, 4), j json, b jsonb, a integer[], t timestamptz,
    d date, y bytea, i interval, c character(4), s pgimport_test.short, e pgimport_test.mood,
    x text COLLATE "C", import_job_id uuid
);
SELECT pgimport.register_target(
    'pgimport_test.things', 'things', '{code}', '{"on_duplicate": "update"}'
);
INSERT INTO pgimport_test.things VALUES
(
    'A', '-0', '1.000', '2.5', '{"b": 1,  "a": [null, 1.0]}', '{"z": 1.00, "a": null}',
    '{1,NULL,3}', 'infinity', '-infinity', '\x00ff', '1 mon 31 days 25:00', 'ab', 'bad1', 'low',
    'é'
),
(
    'B', 'NaN', 'NaN', NULL, '1', 'null', '{}', '0044-03-15 12:00:00+00 BC', '4000-01-01', '', '0',
    NULL, NULL, NULL, ''
),
(
    'C', '0.1', '1e-10', 0, 'null', '"\u00e9"', '[0:1]={1,2}', '2026-01-01 00:00:00.000001+00',
    'infinity', '\x', '-1 day', '', '', 'high', ' x '
);
CREATE TEMP TABLE before AS
SELECT
    t.code,
    t.f::text AS f,
    t.n::text AS n,
    t.m::text AS m,
    t.j::text AS j,
    t.b::text AS b,
    t.a::text AS a,
    t.t,
    t.d,
    t.y,
    t.i::text AS i,
    t.c,
    t.s,
    t.e,
    t.x
FROM pgimport_test.things AS t;

-- one space more in a json, one digit more in a number, another bit of a zero
SELECT pgimport_test.new_job('{}', 'things') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,f,n,m,j,b,a,t,d,y,i,c,s,e,x}', ARRAY[
        'A,0,1.0,2.5,[1],[],{7},2026-01-01,2026-01-01,\x01,1 day,xy,ok,high,e',
        'B,1,1.0,2.5,[1],[],{7},2026-01-01,2026-01-01,\x01,1 day,xy,ok,high,e',
        'C,1,1.0,2.5,[1],[],{7},2026-01-01,2026-01-01,\x01,1 day,xy,ok,high,e'
    ]
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_updated'),
    'success=true rows_updated=3', 'values of many types are updated'
);
SELECT format('pgimport_staging.job_%s_image', replace(:'job', '-', '')) AS image \gset
SELECT results_eq(
    format(
        'SELECT i.k1, i.o1::text, i.o2::text, i.o3::text, i.o4::text, i.o5::text, i.o6::text, '
        'i.o7, i.o8, i.o9, i.o10::text, i.o11, i.o12, i.o13, i.o14 FROM %s AS i ORDER BY i.k1',
        :'image'
    ),
    'SELECT * FROM pg_temp.before ORDER BY code',
    'what was there is kept exactly: -0, NaN, digits, blanks in json, infinity, empty values'
);
SELECT results_eq(
    format(
        'SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a '
        'WHERE a.attrelid = %L::regclass AND a.attname IN (''o3'', ''n3'', ''o11'', ''o12'', '
        '''k1'') ORDER BY a.attname', :'image'
    ),
    $$VALUES ('text'), ('numeric(10,4)'), ('character(4)'), ('pgimport_test.short'),
    ('numeric(10,4)')$$,
    'in columns of the same types'
);
SELECT results_eq(
    format('SELECT i.file_no, i.row_no, i.undone FROM %s AS i ORDER BY i.row_no', :'image'),
    'VALUES (1, 1::bigint, false), (1, 2, false), (1, 3, false)',
    'with the row of the file that changed them'
);
SELECT is(
    (
        SELECT c.relpersistence FROM pg_class AS c
        WHERE c.oid = :'image'::regclass
    ), 'p',
    'a crash of the server does not lose it'
);

-- every difference that can be seen is one
SELECT pgimport_test.new_job('{}', 'things') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{code,f,n,j,b,x}',
    ARRAY['A,-0,1.00,[1 ],[],e', 'B,1,1.0,[1],[],E', 'C,1,1.0,[1],[ ],e']
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'rows_updated', 'rows_unchanged'),
    'rows_updated=2 rows_unchanged=1',
    'values that are equal but not the same are updates, the same value written otherwise is none'
);
SELECT is(
    (
        SELECT concat_ws(' ', t.f, t.n, t.j) FROM pgimport_test.things AS t
        WHERE t.code = 'A'
    ),
    '-0 1.00 [1 ]', 'they are written'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'updated_found'),
    'verified=true updated_found=2', 'and verified'
);

-- modified afterwards, to a value that is equal
UPDATE pgimport_test.things SET n = '1.000'
WHERE code = 'A';
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'modified', 'updated_found'),
    'verified=false modified=1 updated_found=2',
    'a row that got an equal value of other digits is modified'
);
UPDATE pgimport_test.things SET n = '1.00'
WHERE code = 'A';
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'modified', 'rewritten'),
    'verified=true modified=0 rewritten=1', 'with what the job wrote it is only rewritten'
);
DELETE FROM pgimport_test.things
WHERE code = 'A';
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count', 'updated_found'
    ), 'verified=false expected_count=2 actual_count=1 updated_found=1',
    'an updated row that is gone is missed'
);

SELECT pgimport_test.new_job('{"on_duplicate": "skip"}', 'things') AS job \gset
SELECT pgimport_test.stage(:'job', '{code}', '{A}');
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(
    to_regclass(format('pgimport_staging.job_%s_image', replace(:'job', '-', ''))), NULL,
    'a job that updates nothing has no such table'
);

SELECT * FROM finish();
ROLLBACK;
