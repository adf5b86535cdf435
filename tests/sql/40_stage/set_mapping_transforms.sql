-- Fields that are joined into one column, and fields that are split into several.
BEGIN;
\ir ../setup.psql
SELECT plan(36);

CREATE TABLE pgimport_test.people (
    ext text PRIMARY KEY, first_name text, last_name text, address text, born date,
    extra_1 text, note text, doubled integer GENERATED ALWAYS AS (1) STORED, import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.people', 'people', '{ext}');
CREATE FUNCTION pgimport_test.rows_of_people()
RETURNS SETOF text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $rows_of_people$
BEGIN
    RETURN QUERY
    SELECT concat_ws('|', p.ext, coalesce(p.first_name, '~'), coalesce(p.last_name, '~'),
        coalesce(p.address, '~'), p.born, p.extra_1)
    FROM pgimport_test.people AS p ORDER BY p.ext;
END;
$rows_of_people$;

-- joined and split from the beginning
SELECT pgimport_test.new_job('{"mapping": {
    "Full name": {"split": " ", "columns": ["first_name", "last_name"]},
    "Street": {"column": "address", "part": 1},
    "Zip": {"column": "address", "part": 2, "separator": ", "},
    "City": {"column": "address", "part": 3}}}', 'people') AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{City,ext,Full name,Street,Zip}') AS opened \gset
SELECT is(
    (
        SELECT
            string_agg(
                coalesce(m ->> 'column', '-') || ' ' || (m ->> 'staged_as'), ', '
                ORDER BY (m -> 'position')::integer
            )
        FROM jsonb_array_elements(:'opened'::jsonb -> 'mapping') AS m
    ),
    '- extra_1, ext ext, - extra_3, - extra_4, - extra_5',
    'fields that are joined or split are staged as what they are'
);
SELECT is(
    :'opened'::jsonb -> 'mapping' -> 4,
    '{"position": 5, "header": "Zip", "column": null, "staged_as": "extra_5", "score": null,
      "how": "given", "transform": {"column": "address", "part": 2, "separator": ", "}}'::jsonb,
    'the mapping says what becomes of them'
);
SELECT format(
    'INSERT INTO pgimport_staging.job_%s_f1 (extra_1, ext, extra_3, extra_4, extra_5) VALUES '
    '(''Paris'', ''a'', ''Jean  Paul Dupont'', ''1 rue X'', ''75001''), '
    '(''Lyon'', ''b'', ''Cher'', NULL, ''69000''), '
    '(NULL, ''c'', '''', '' '', NULL), '
    '(''Lille'', ''d'', ''  Ann'' || chr(160) || ''Lee '', ''2 rue "Y, Z"'', ''''), '
    '(''Nice'', ''e'', NULL, '''', ''  '')',
    replace(:'job', '-', '')
) \gexec
SELECT pgimport.finish_file(:'job', 1, 5);
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '5', 'such rows are checked');
SELECT is(
    (
        SELECT r.data FROM pgimport.row_report(:'job') AS r
        WHERE r.row_no = 1
    ),
    '{"ext": "a", "City": "Paris", "Full name": "Jean  Paul Dupont", "Street": "1 rue X",
      "Zip": "75001"}'::jsonb,
    'reports show the fields as they stand in the file'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT pgimport_test.rows_of_people()',
    ARRAY[
        'a|Jean|Paul Dupont|1 rue X, 75001 Paris', 'b|Cher|~|69000 Lyon', 'c|~|~|~',
        'd|Ann|Lee|2 rue "Y, Z" Lille', 'e|~|~|Nice'
    ],
    'parts that are missing or blank are left out with what stands before them; the last piece is '
    'the rest, and several blanks separate like one'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'modified'),
    'verified=true modified=0', 'what was inserted is verified'
);
SELECT pgimport.rollback_job(:'job');

-- after staging, and in files whose fields stand at other places or are not joined at all
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,Street,City}', '{"a,1 rue X,Paris"}');
SELECT pgimport_test.stage(:'job', '{City,Street,ext}', '{"Lyon,2 rue Y,b"}', '{}', 'b.csv');
SELECT pgimport_test.stage(
    :'job', '{ext,address,Street}', '{"c,3 rue Z,unused"}',
    '{"mapping": {"Street": null}}', 'c.csv'
);
SELECT pgimport_test.stage(
    :'job', '{ext,colour,City}', '{"d,red,Rome"}',
    '{"mapping": {"City": null}}', 'd.csv'
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.set_mapping(:'job', '{"Street": {"column": "address", "part": 1},
            "City": {"column": "address", "part": 2, "separator": " / "}, "colour": "note",
            "address": null, "Nope": "note"}'),
        'status', 'warnings'
    ),
    'status=staged warnings=["no file has a field \"Nope\""]',
    'fields are joined after the check as well; a name that no file has is told'
);
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '4', 'and checked again');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT pgimport_test.rows_of_people()',
    ARRAY[
        'a|~|~|1 rue X / Paris', 'b|~|~|2 rue Y / Lyon', 'c|~|~|unused', 'd|~|~|Rome'
    ],
    'each file by its own header'
);
SELECT pgimport.rollback_job(:'job');

-- a column that some files give whole and others in parts
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,address,extra_1}', '{"a,whole,x"}');
SELECT pgimport_test.stage(
    :'job', '{ext,Street,City,born}', '{"b,1 rue X,Paris,2001-02-03"}',
    '{"mapping": {"Street": {"column": "address"}, "City": {"column": "address"}}}', 'b.csv'
);
SELECT pgimport_test.stage(
    :'job', '{ext,x,Full}', '{"c,y,Ann;Lee;x"}',
    '{"mapping": {"Full": {"split": ";", "columns": ["first_name", null, "last_name"]}}}',
    'c.csv'
);
SELECT pgimport_test.stage(:'job', '{ext}', '{"d"}', '{}', 'd.csv');
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '4', 'files give a column in other ways');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT pgimport_test.rows_of_people()',
    ARRAY[
        'a|~|~|whole|x', 'b|~|~|1 rue X Paris|2001-02-03', 'c|Ann|x|~', 'd|~|~|~'
    ],
    'each is read as it stands there, parts without a number in the order of the file'
);
SELECT ok(
    (
        SELECT
            bool_and(r.data @> CASE r.file_no
                WHEN 2 THEN '{"ext": "b", "City": "Paris", "Street": "1 rue X"}'::jsonb
                ELSE '{"ext": "c", "x": "y", "Full": "Ann;Lee;x"}'
            END)
        FROM pgimport.row_report(:'job') AS r
        WHERE r.file_no IN (2, 3)
    ),
    'and reported so'
);
SELECT pgimport.rollback_job(:'job');

-- rules of the column hold for the whole; words that mean null are no parts
SELECT pgimport.set_column('people', 'address', '{"null_values": ["N/A"], "required": true}');
SELECT pgimport.set_column('people', 'note', '{"trim": false}');
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,s,c,d,n,m}', '{"a,N/A,Paris,31/12/2000, x ,y","b,N/A,,soon,,z"}',
    '{"mapping": {"s": {"column": "address", "part": 1}, "c": {"column": "address", "part": 2},
      "d": {"split": "/", "columns": [null, null, "born"]},
      "n": {"column": "note", "part": 1, "separator": "#"},
      "m": {"column": "note", "part": 2, "separator": "+"}}}'
);
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT i.row_no, i.column_name, i.code, i.value FROM pgimport.issue_report(%L) AS i '
        'ORDER BY i.row_no, i.column_name', :'job'
    ),
    $$VALUES (1::bigint, 'born', 'bad_date', '2000'), (2, 'address', 'required', NULL)$$,
    'what is put together or taken apart is judged like any other text'
);
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,s,n,m}', '{"a,Here, x ,y"}',
    '{"mapping": {"s": "address", "n": {"column": "note", "part": 1, "separator": "#"},
      "m": {"column": "note", "part": 2, "separator": ""}}}'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(
    (
        SELECT p.note FROM pgimport_test.people AS p
        WHERE p.ext = 'a'
    ), ' x y',
    'blanks stay where the column is not trimmed; before the first part nothing stands'
);

-- a hostile separator and header are data
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', ARRAY['ext', 'a'');--', 'b%I'], '{"h,1,2"}',
    jsonb_build_object('mapping', jsonb_build_object(
        'a'');--', '{"column": "address", "part": 1}'::jsonb,
        'b%I', jsonb_build_object('column', 'address', 'part', 2, 'separator', ''' %s\"$1')
    ))
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT is(
    (
        SELECT p.address FROM pgimport_test.people AS p
        WHERE p.ext = 'h'
    ), E'1'' %s\\"$12',
    'a separator may hold anything'
);

-- the names of other fields: columns that are given are not suggested again
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{ext,Full name,First name}',
    '{"mapping": {"Full name": {"split": " ", "columns": ["first_name", "last_name"]}}}'
) AS opened \gset
SELECT is(
    :'opened'::jsonb -> 'mapping' -> 2 ->> 'column', NULL,
    'a column that a piece goes to takes no other field by its name'
);
SELECT pgimport_test.new_job('{"constants": {"first_name": "X"}}', 'people') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,Full name,address}', '{"a2,Ann Lee,x"}',
    '{"mapping": {"Full name": {"split": " ", "columns": ["first_name", "last_name"]}}}'
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    $$SELECT p.first_name, p.last_name FROM pgimport_test.people AS p WHERE p.ext = 'a2'$$,
    $$VALUES ('X', 'Lee')$$, 'a constant goes before a piece, the other pieces stay'
);

-- misuse
SELECT pgimport_test.new_job('{}', 'people') AS job \gset
SELECT
    throws_ok(
        format('SELECT pgimport.set_mapping(%L, %L)', :'job', w.mapping), w.code, NULL, w.why
    )
FROM (
    VALUES
    ('{"a": {"column": "address", "part": 1, "upper": true}}', 'PI002', 'no key but those known'),
    ('{"a": {"sql": "now()"}}', 'PI002', 'and no SQL'),
    ('{"a": 5}', 'PI003', 'a number is no mapping'),
    ('{"a": ["address"]}', 'PI003', 'a list neither'),
    ('{"a": {}}', 'PI003', 'nor an empty object'),
    ('{"a": {"part": 1}}', 'PI003', 'a part belongs to a column'),
    ('{"a": {"column": "address", "part": 0}}', 'PI003', 'parts are numbered from 1'),
    ('{"a": {"column": "address", "part": 1.5}}', 'PI003', 'by whole numbers'),
    ('{"a": {"column": "address", "part": "1"}}', 'PI003', 'that are numbers'),
    ('{"a": {"column": "address", "separator": 1}}', 'PI003', 'a separator is a text'),
    ('{"a": {"column": "address", "split": " "}}', 'PI003', 'a field is joined or split, not both'),
    ('{"a": {"split": "", "columns": ["note"]}}', 'PI003', 'nothing separates no pieces'),
    ('{"a": {"split": " ", "columns": []}}', 'PI003', 'pieces go to columns'),
    ('{"a": {"split": " ", "columns": [null]}}', 'PI003', 'to one at least'),
    ('{"a": {"split": " ", "columns": ["note", 1]}}', 'PI003', 'named by texts'),
    ('{"a": {"split": " ", "columns": ["note", "nope"]}}', 'PI206', 'that are there'),
    ('{"a": {"column": "doubled", "part": 1}}', 'PI207', 'and can be written')
) AS w (mapping, code, why);
SELECT
    throws_ok(
        format(
            'SELECT pgimport.stage_file(%L, ''a.csv'', ''{ext,a,b}'', %L)', :'job',
            jsonb_build_object('mapping', w.mapping::jsonb)
        ), 'PI207', NULL, w.why
    )
FROM (
    VALUES
    ('{"a": {"column": "note", "part": 1}, "b": "note"}', 'a column is joined or taken whole'),
    ('{"a": {"split": " ", "columns": ["note", "note"]}}', 'two pieces do not go to one column')
) AS w (mapping, why);

SELECT * FROM finish();
ROLLBACK;
