BEGIN;
\ir ../setup.psql
SELECT plan(20);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');
SELECT pgimport_test.new_job('{"constants": {"batch_code": "B7"}}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points,price,colour}',
    ARRAY[
        pgimport_test.merchant() || ', A ,05,1.005,', pgimport_test.merchant() || ',A,6,,',
        pgimport_test.merchant() || ',OLD,7,,', pgimport_test.merchant() || ',B,many,,'
    ]
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.preview_job(:'job') AS answer \gset

SELECT is(
    pgimport_test.pick(:'answer', 'success', 'status', 'counts.clean_rows'),
    'success=true status=checked counts.clean_rows=1', 'a preview answers with the envelope'
);
SELECT results_eq(
    format(
        'SELECT (r ->> ''row_no'')::integer, (r ->> ''line_no'')::integer, r ->> ''class'', '
        'r ->> ''is_internal_duplicate'', r ->> ''is_database_duplicate'' '
        'FROM pg_catalog.jsonb_array_elements(%L::jsonb -> ''rows'') AS r', :'answer'
    ),
    $$VALUES
        (1, 2, 'insert', 'false', 'false'), (2, 3, 'skip', 'true', 'false'),
        (3, 4, 'skip', 'false', 'true'), (4, 5, 'invalid', 'false', 'false')$$,
    'rows[] has each staged row in order, with its line, class and flags'
);
SELECT is(
    :'answer'::jsonb #> '{rows,0,values}',
    jsonb_build_object(
        'merchant_id', pgimport_test.merchant(), 'code', 'A', 'points', '5', 'price', '1.01',
        'batch_code', 'B7'
    ),
    'values are shown as they would be written: trimmed, cast, rounded, constants included'
);
SELECT is(
    :'answer'::jsonb #>> '{rows,3,values,points}', 'many', 'an invalid row is shown as staged'
);
SELECT is(
    :'answer'::jsonb #> '{rows,3,issues}',
    '[{"code": "bad_integer", "value": "many", "column": "points",
       "message": "\"many\" is not an integer"}]'::jsonb,
    'with its issues'
);
SELECT is(
    :'answer'::jsonb #> '{rows,0,issues}', '[]'::jsonb, 'a clean row has none'
);
SELECT is(
    jsonb_array_length(pgimport.preview_job(:'job', 2) -> 'rows'), 2,
    'the limit is the number of rows'
);
SELECT
    throws_ok(
        format('SELECT pgimport.preview_job(%L, %L)', :'job', n), 'PI003', NULL,
        format('a limit of %s is refused', coalesce(n::text, 'null'))
    )
FROM unnest('{0,10001,NULL}'::integer[]) AS n;
SELECT is(
    (SELECT count(*)::integer FROM pgimport_test.codes), 1, 'a preview writes nothing'
);

-- the whole job
SELECT is(
    pgimport.preview_job(:'job', 1) -> 'classes',
    '{"insert": 1, "update": 0, "skip": 2, "invalid": 1}'::jsonb,
    'classes counts all rows of the job, not only those shown'
);
SELECT is(
    (
        SELECT string_agg(c ->> 'column', ' ' ORDER BY c.place)
        FROM jsonb_array_elements(:'answer'::jsonb -> 'columns') WITH ORDINALITY AS c (c, place)
    ), 'merchant_id code points batch_code price',
    'columns[] names what is shown, in the order of the table'
);
SELECT is(
    :'answer'::jsonb #> '{columns,4}',
    '{"column": "price", "type": "numeric(10,2)", "key": false, "sensitive": false}'::jsonb,
    'each with its type'
);
SELECT is(
    (
        SELECT
            string_agg(
                concat(n ->> 'column', n ->> 'header', ': ', n ->> 'why'), '; ' ORDER BY n.place
            )
        FROM jsonb_array_elements(:'answer'::jsonb -> 'not_shown') WITH ORDINALITY AS n (n, place)
    ),
    'id: numbered by the table; serial: null: no file has it; sku: null: no file has it; '
    'window_start: null: no file has it; activated: default of the table; '
    'created_at: default of the table; import_job_id: the id of the job; '
    'colour: goes to no column',
    'not_shown[] says what becomes of the other columns and of fields without a column'
);
SELECT is(:'answer'::jsonb #>> '{rows,0,file}', 'a.csv', 'a row tells its file');

-- several files: only those needed are read
SELECT pgimport_test.new_job() AS three \gset
SELECT pgimport_test.stage(:'three', '{merchant_id,code}', pgimport_test.code_lines('F1', 'F2'));
SELECT pgimport_test.stage(
    :'three', '{merchant_id,code}', pgimport_test.code_lines('F3'), '{}', 'b.csv'
);
SELECT pgimport_test.stage(
    :'three', '{merchant_id,code}', pgimport_test.code_lines('F4', 'F5'), '{}', 'c.csv'
);
SELECT pgimport.check_job(:'three');
SELECT results_eq(
    format(
        'SELECT concat(r ->> ''file'', '' '', r #>> ''{values,code}'') FROM '
        'pg_catalog.jsonb_array_elements(pgimport.preview_job(%L, 4) -> ''rows'') AS r', :'three'
    ),
    $$VALUES ('a.csv F1'), ('a.csv F2'), ('b.csv F3'), ('c.csv F4')$$,
    'the first rows are those of the first files'
);

-- defaults
SELECT pgimport_test.new_job() AS filled \gset
SELECT pgimport_test.stage(
    :'filled', '{merchant_id,code,activated,created_at}',
    ARRAY[pgimport_test.merchant() || ',D,,']
);
SELECT pgimport.check_job(:'filled');
SELECT is(
    pgimport.preview_job(:'filled') #>> '{rows,0,values,activated}', 'false',
    'a default that the row will take is shown'
);

-- rules changed since the check
SELECT pgimport.set_column('codes', 'code', '{"null_values": ["A"]}');
SELECT throws_ok(
    format('SELECT pgimport.preview_job(%L)', :'job'), 'PI102', NULL,
    'a job that was checked under other rules is not shown as if it were written so'
);
SELECT throws_ok(
    format('SELECT pgimport.preview_job(%L)', pgimport_test.new_job()), 'PI102', NULL,
    'a job that was not checked has no preview'
);

SELECT * FROM finish();
ROLLBACK;
