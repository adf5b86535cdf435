BEGIN;
\ir ../setup.psql
SELECT plan(11);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');
SELECT pgimport_test.new_job('{"constants": {"batch_code": "B7"}}') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points,price}',
    ARRAY[
        pgimport_test.merchant() || ', A ,05,1.005', pgimport_test.merchant() || ',A,6,',
        pgimport_test.merchant() || ',OLD,7,', pgimport_test.merchant() || ',B,many,'
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

SELECT * FROM finish();
ROLLBACK;
