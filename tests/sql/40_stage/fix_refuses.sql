-- Files of corrected rows that are refused as a whole, and what else stage_fix() and apply_fix() do
-- not do.
BEGIN;
\ir ../setup.psql
\ir fix_setup.psql
SELECT plan(40);
SELECT pgimport_test.codes_target();

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.new_job() AS other \gset
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'')', :'job'), 'PI102', NULL,
    'a job without staged rows is not corrected'
);
SELECT
    pgimport_test.stage(
        j.id, '{merchant_id,code,points}',
        ARRAY[
            '11111111-1111-4111-8111-111111111111,A,1', '11111111-1111-4111-8111-111111111111,B,x'
        ]
    )
FROM (VALUES (:'job'::uuid), (:'other'::uuid)) AS j (id);
SELECT pgimport.check_job(:'job');
SELECT pgimport.check_job(:'other');

-- a file with one wrong token after a right one; nothing of it may be taken over
CREATE FUNCTION pgimport_test.try_tokens(p_job_id uuid, VARIADIC p_tokens text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $try_tokens$
DECLARE
    v_state text;
    v_message text;
    v_hint text;
BEGIN
    BEGIN
        PERFORM pgimport_test.fix(
            p_job_id, '{points,pgimport_row}',
            ARRAY(
                SELECT ARRAY['7', t.token]
                FROM unnest(
                    ARRAY[pgimport_test.token(p_job_id, 1, 2)] || p_tokens
                ) WITH ORDINALITY AS t (token, place)
                ORDER BY t.place
            )
        );
    EXCEPTION
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_hint = PG_EXCEPTION_HINT;
    END;
    RETURN concat_ws(' ', v_state, regexp_replace(v_message, '^.*: ', ''), CASE
        WHEN v_hint IS NULL THEN 'no hint' END);
END;
$try_tokens$;

SELECT
    is(
        pgimport_test.try_tokens(:'job', t.token), 'PI311 line 3',
        format('a token cannot be %L', t.token)
    )
FROM (
    VALUES
    (NULL), (''), ('   '), ('1-2'), ('x'), ('1-2-xxxxxxxx'), ('-1-2-00000000'), ('1--2-00000000'),
    (repeat('1', 5000)), ('99999999999-2-00000000'), ('1-99999999999999999999-00000000'),
    (E'''; drop table pgimport.job; --'), ('=1-2-00000000'), ('1-2-000000001')
) AS t (token);
SELECT is(
    pgimport_test.try_tokens(:'job', NULL, NULL, 'x'), 'PI311 lines 3, 4, 5',
    'all lines are named'
);
SELECT is(
    pgimport_test.try_tokens(:'job', VARIADIC array_fill('?'::text, '{30}')),
    'PI311 lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22 '
    'and 10 more', 'twenty of them at most'
);

SELECT
    is(
        pgimport_test.try_tokens(:'job', t.token), 'PI312 line 3', 'refused: ' || t.what
    )
FROM (
    VALUES
    (1, 'the token of another job', pgimport_test.token(:'other', 1, 2)),
    (2, 'a token changed by hand', replace(pgimport_test.token(:'job', 1, 2), '1-2-', '1-1-')),
    (3, 'one with zeros before it', '0' || pgimport_test.token(:'job', 1, 2)),
    (4, 'one of a file that is not there', '9-2-00000000'),
    (5, 'one of an issue that was never there', pgimport_test.token(:'job', 1, -999999)),
    (6, 'row nought', pgimport_test.token(:'job', 1, 0))
) AS t (place, what, token)
ORDER BY t.place;
SELECT is(
    pgimport_test.try_tokens(
        :'job', pgimport_test.token(:'job', 1, 1), pgimport_test.token(:'job', 1, 2)
    ), 'PI313 lines 2, 4', 'refused: the same row twice'
);
SELECT is(
    pgimport_test.try_tokens(:'job', pgimport_test.token(:'job', 1, 3)),
    format('PI312 tokens of rows that file 1 of job "%s" does not have', :'job'),
    'refused: a row that is not there, with a right token'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'points'), '{1,x}', 'none of it changed anything'
);

-- headers
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{code,points}'')', :'job'), 'PI310', NULL,
    'a file without tokens is refused'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row,code,pgimport_row}'')', :'job'
    ),
    'PI310', NULL, 'so is one with two columns of them'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row,code,code}'')', :'job'),
    'PI207', NULL, 'or with two fields of one column'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{}'')', :'job'), 'PI001', NULL,
    'a file has a header'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_fix(%L, ''f.csv'', array_fill(''x''::text, ''{2000}''))', :'job'
    ), 'PI308', NULL, 'of so many fields as a table can have'
);
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'', ''{"x": 1}'')', :'job'),
    'PI002', NULL, 'unknown options are refused'
);

-- calls
SELECT pgimport_test.load_fix(
    :'job', '{pgimport_row}', ARRAY[[pgimport_test.token(:'job', 1, 1)]]
) AS fix_no \gset
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, 2)', :'job', :fix_no), 'PI303', NULL,
    'rows parsed must equal rows staged'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, NULL)', :'job', :fix_no), 'PI001', NULL,
    'and must be given'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, -1)', :'job', :fix_no), 'PI003', NULL,
    'and counted right'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, %s, 1, ''{"as_sent": "yes"}'')', :'job', :fix_no),
    'PI003', NULL, 'as_sent is true or false'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, 99, 1)', :'job'), 'PI314', NULL,
    'there is no fix of that number'
);
SELECT throws_ok(
    format('SELECT pgimport.apply_fix(%L, NULL, 1)', :'job'), 'PI314', NULL, 'nor without one'
);
SELECT throws_ok(
    'SELECT pgimport.apply_fix(''00000000-0000-0000-0000-000000000000'', 1, 1)', 'PI101', NULL,
    'the job must exist'
);
SELECT pgimport.cancel_job(:'other');
SELECT throws_ok(
    format('SELECT pgimport.stage_fix(%L, ''f.csv'', ''{pgimport_row}'')', :'other'), 'PI102',
    NULL, 'a cancelled job is not corrected'
);

SELECT * FROM finish();
ROLLBACK;
