-- Rows assigned to people: option "assignment" of a job.
BEGIN;
\ir ../setup.psql
SELECT plan(40);

CREATE TABLE pgimport_test.lead (
    ext text PRIMARY KEY, owner varchar(10), team integer, note text, import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.lead', 'lead', '{ext}');
-- ext and owner of a job's rows in the target
CREATE FUNCTION pgimport_test.owners(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $owners$
BEGIN
    RETURN (
        SELECT string_agg(concat(l.ext, ' ', coalesce(l.owner, '~')), ', ' ORDER BY l.ext)
        FROM pgimport_test.lead AS l WHERE l.import_job_id = p_job_id
    );
END;
$owners$;

-- none and single
SELECT pgimport_test.new_job('{"assignment": {"mode": "none"}}', 'lead') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,owner}', '{"a,own"}');
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.owners(:'job'), 'a own', 'without an assignment the file says');
SELECT pgimport.rollback_job(:'job');
SELECT pgimport_test.new_job(
    '{"assignment": {"mode": "single", "column": "owner", "values": ["ann"]}}', 'lead'
) AS job \gset
SELECT pgimport.stage_file(:'job', 'x.csv', '{ext,Owner}') AS opened \gset
SELECT is(
    :'opened'::jsonb -> 'warnings',
    '["field \"Owner\" is not used: the job assigns that column"]'::jsonb,
    'a field of the assigned column is not used, and that is told'
);
SELECT pgimport.finish_file(:'job', 1, 0);
SELECT pgimport_test.stage(:'job', '{ext,owner}', '{"a,x","b,y"}', '{}', 'b.csv');
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.owners(:'job'), 'a ann, b ann', 'one value for all rows');
SELECT pgimport.rollback_job(:'job');

-- in turn: only rows that are inserted count
INSERT INTO pgimport_test.lead (ext) VALUES ('c');
SELECT pgimport.set_column('lead', 'team', '{"min": 0}');
SELECT pgimport_test.new_job('{"assignment": {"mode": "round_robin", "column": "owner",
    "values": ["ann", " bob ", "cid"]}}', 'lead') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,team}', '{"a,1","a,1","b,1","c,1","d,-1","e,1"}'
);
SELECT pgimport_test.stage(:'job', '{team,ext}', '{"1,f","1,g","1,b","1,h","1,i"}', '{}', 'b.csv');
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count', 'invalid_rows'),
    'clean_count=7 invalid_rows=1', 'some rows are not inserted'
);
SELECT is(
    (
        SELECT
            string_agg(
                r ->> 'class' || ' ' || (r -> 'values' ->> 'owner'), ', '
                ORDER BY r -> 'file_no', r -> 'row_no'
            )
        FROM jsonb_array_elements(pgimport.preview_job(:'job') -> 'rows') AS r
        WHERE r ->> 'class' = 'insert'
    ),
    'insert ann, insert bob, insert cid, insert ann, insert bob, insert cid, insert ann',
    'the preview shows who gets what'
);
SELECT pgimport.check_job(:'job');
SELECT is(pgimport.insert_job(:'job') ->> 'success', 'true', 'the rows are inserted');
SELECT is(
    pgimport_test.owners(:'job'), 'a ann, b bob, e cid, f ann, g bob, h cid, i ann',
    'in turn, in the order of the files, the same after another check'
);
SELECT is(pgimport.verify_job(:'job') ->> 'verified', 'true', 'and verified as dealt out');
SELECT pgimport.rollback_job(:'job');

-- even to one, whatever is left out
SELECT pgimport_test.new_job('{"assignment": {"mode": "round_robin", "column": "team",
    "values": [1, 2, 3, 4, 5, 6, 7]}}', 'lead') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext}', array(SELECT 'r' || (i * i % 1009) FROM generate_series(1, 2000) AS s (i))
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    format(
        'SELECT count(*)::integer, max(q.n) - min(q.n) <= 1 FROM (SELECT l.team, count(*) AS n '
        'FROM pgimport_test.lead AS l WHERE l.import_job_id = %L GROUP BY l.team) AS q', :'job'
    ), $$VALUES (7, true)$$, 'each of seven gets as many as any other, or one more'
);
SELECT pgimport.rollback_job(:'job');

-- duplicates that appear between check and insert
SELECT pgimport_test.new_job('{"assignment": {"mode": "round_robin", "column": "owner",
    "values": ["ann", "bob"]}}', 'lead') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext}', '{p,q,r,s}');
SELECT pgimport.check_job(:'job');
INSERT INTO pgimport_test.lead (ext) VALUES ('p');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'rows_inserted'), 'rows_inserted=3',
    'a row that became a duplicate is left out'
);
SELECT is(
    pgimport_test.owners(:'job'), 'q ann, r bob, s ann', 'and the turns are dealt out anew'
);
SELECT pgimport.rollback_job(:'job');
DELETE FROM pgimport_test.lead;

-- a value that the table refuses is found by the check
ALTER TABLE pgimport_test.lead ADD CONSTRAINT no_bob CHECK (owner <> 'bob');
SELECT pgimport_test.new_job('{"assignment": {"mode": "round_robin", "column": "owner",
    "values": ["ann", "bob"]}}', 'lead') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext}', '{p,q,r,s}');
SELECT is(
    pgimport.check_job(:'job') -> 'errors' -> 0 ->> 'code', 'check:no_bob',
    'every assigned value is seen by the check'
);
ALTER TABLE pgimport_test.lead DROP CONSTRAINT no_bob;

-- by a field of the files
SELECT
    pgimport_test.new_job('{"assignment": {"mode": "by_column", "column": "owner",
    "source_column": "Region", "map": {"north": "ann", " south": "bob", "east": 7}}}', 'lead'
    ) AS job
\gset
SELECT pgimport_test.stage(
    :'job', '{ext,Region,note}', '{"a,north,x","b, south ,y","c,west,z","d,,u","e,North,v"}'
);
SELECT pgimport_test.stage(:'job', '{region,ext}', '{"east,f"}', '{}', 'b.csv');
SELECT is(
    pgimport.stage_file(:'job', 'c.csv', '{ext,note}') -> 'warnings',
    '["the file has no field \"Region\", by which its rows are to be assigned"]'::jsonb,
    'a file without the field is told'
);
SELECT pgimport.finish_file(:'job', 3, 0);
SELECT pgimport_test.stage(:'job', '{ext,note}', '{"g,n"}', '{}', 'd.csv');
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT i.file_no, i.row_no, i.column_name, i.code, i.value '
        'FROM pgimport.issue_report(%L) AS i ORDER BY 1, 2', :'job'
    ),
    $$VALUES (1, 3::bigint, 'owner', 'not_found', 'west'), (1, 5, 'owner', 'not_found', 'North')$$,
    'a text that the map does not know is an issue'
);
SELECT pgimport.insert_job(:'job');
SELECT is(
    pgimport_test.owners(:'job'), 'a ann, b bob, d ~, f 7, g ~',
    'each row goes to whom the map says, at whatever place the field stands; nothing to nobody'
);
SELECT ok(
    (
        SELECT r.data @> '{"Region": "north", "note": "x"}' FROM pgimport.row_report(:'job') AS r
        WHERE r.file_no = 1 AND r.row_no = 1
    ), 'the report shows the field'
);
SELECT pgimport.rollback_job(:'job');

-- by a field that has a column of its own, or is the assigned column itself
SELECT pgimport_test.new_job('{"assignment": {"mode": "by_column", "column": "owner",
    "source_column": "note", "map": {"x": "ann"}}}', 'lead') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,note}', '{"a,x"}');
SELECT pgimport_test.stage(
    :'job', '{ext,remark}', '{"b,x"}', '{"mapping": {"remark": "note"}}',
    'b.csv'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.owners(:'job'), 'a ann, b ~', 'the field is read where it stands');
SELECT results_eq(
    'SELECT l.note FROM pgimport_test.lead AS l ORDER BY l.ext', '{x,x}'::text[],
    'and goes to its own column as well'
);
SELECT pgimport.rollback_job(:'job');
SELECT pgimport_test.new_job('{"assignment": {"mode": "by_column", "column": "owner",
    "source_column": "owner", "map": {"A.": "ann"}}}', 'lead') AS job \gset
SELECT is(
    pgimport.stage_file(:'job', 'x.csv', '{ext,Owner}') -> 'warnings', '[]'::jsonb,
    'a field of the assigned column itself may be read through the map'
);
SELECT pgimport.finish_file(:'job', 1, 0);
SELECT pgimport_test.stage(:'job', '{ext,Owner}', '{"a,A."}', '{}', 'b.csv');
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(pgimport_test.owners(:'job'), 'a ann', 'and is');
SELECT pgimport.rollback_job(:'job');

-- a required column that nobody assigns
SELECT pgimport.set_column('lead', 'owner', '{"required": true}');
SELECT pgimport_test.new_job('{"assignment": {"mode": "by_column", "column": "owner",
    "source_column": "Region", "map": {"north": "ann"}}}', 'lead') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,Region}', '{"a,north","b,"}');
SELECT is(
    pgimport.check_job(:'job') -> 'errors' -> 0 ->> 'code', 'required',
    'a row that must be assigned and is not is an issue'
);

-- misuse
SELECT
    throws_ok(
        format(
            'SELECT pgimport.create_job(''lead'', %L)',
            jsonb_build_object('assignment', w.assignment::jsonb)
            || coalesce(w.more::jsonb, '{}')
        ), w.code, NULL, w.why
    )
FROM (
    VALUES
    ('[]', NULL, 'PI003', 'an assignment is an object'),
    ('{}', NULL, 'PI003', 'with a mode'),
    ('{"mode": "random"}', NULL, 'PI003', 'that is known'),
    ('{"mode": "single", "who": "ann"}', NULL, 'PI002', 'and keys that are known'),
    ('{"mode": "single", "values": ["ann"]}', NULL, 'PI003', 'a column is required'),
    ('{"mode": "single", "column": "owner"}', NULL, 'PI003', 'and values'),
    ('{"mode": "round_robin", "column": "owner", "values": []}', NULL, 'PI003', 'one at least'),
    (
        '{"mode": "single", "column": "owner", "values": ["a", "b"]}', NULL, 'PI003',
        'one alone where it is one for all'
    ),
    (
        '{"mode": "round_robin", "column": "owner", "values": ["a", null]}', NULL, 'PI003',
        'nobody is no value'
    ),
    (
        '{"mode": "round_robin", "column": "owner", "values": ["far too long a name"]}', NULL,
        'PI003', 'values must fit the column'
    ),
    (
        '{"mode": "round_robin", "column": "team", "values": ["1", "x"]}', NULL, 'PI003',
        'all of them'
    ),
    ('{"mode": "single", "column": "nope", "values": ["a"]}', NULL, 'PI206', 'which is there'),
    ('{"mode": "single", "column": "ext", "values": ["a"]}', NULL, 'PI207', 'and not of the key'),
    (
        '{"mode": "single", "column": "owner", "values": ["a"]}',
        '{"constants": {"owner": "b"}}', 'PI003', 'nor a constant already'
    ),
    (
        '{"mode": "by_column", "column": "owner", "map": {"a": "b"}}', NULL, 'PI003',
        'a field to go by is required'
    ),
    (
        '{"mode": "by_column", "column": "owner", "source_column": "x"}', NULL, 'PI003',
        'and a map'
    ),
    (
        '{"mode": "by_column", "column": "team", "source_column": "x", "map": {"a": "b"}}', NULL,
        'PI003', 'of values of the column'
    ),
    (
        '{"mode": "by_column", "column": "owner", "source_column": "x", "map": {"a": "b"},
          "values": ["c"]}', NULL, 'PI003', 'and no list besides'
    ),
    (
        '{"mode": "single", "column": "owner", "values": ["c"], "map": {"a": "b"}}', NULL,
        'PI003', 'nor a map where all get the same'
    )
) AS w (assignment, more, code, why);

SELECT * FROM finish();
ROLLBACK;
