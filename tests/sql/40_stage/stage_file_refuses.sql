BEGIN;
\ir ../setup.psql
SELECT plan(30);
SELECT pgimport_test.codes_target();
SELECT pgimport_test.new_job() AS job \gset

-- tries to stage a file with a header and options: ok, or the code of the refusal
CREATE FUNCTION pgimport_test.try_stage(
    p_job_id uuid,
    p_header text[],
    p_options jsonb DEFAULT '{}',
    p_file_name text DEFAULT 'a.csv'
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $try_stage$
BEGIN
    PERFORM pgimport.stage_file(p_job_id, p_file_name, p_header, p_options);
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$try_stage$;

SELECT is(
    pgimport_test.try_stage(NULL, '{code}'), 'PI001', 'a file needs a job'
);
SELECT is(
    pgimport_test.try_stage('00000000-0000-0000-0000-000000000000', '{code}'), 'PI101',
    'one that is there'
);
SELECT is(pgimport_test.try_stage(:'job', '{code}', '{}', ''), 'PI001', 'a file needs a name');
SELECT is(pgimport_test.try_stage(:'job', '{code}', '{}', NULL), 'PI001', 'not null');
SELECT is(pgimport_test.try_stage(:'job', '{}'), 'PI001', 'and a header');
SELECT is(pgimport_test.try_stage(:'job', NULL), 'PI001', 'not null either');
SELECT is(
    pgimport_test.try_stage(:'job', array_fill('h'::text, '{1596}')), 'PI308',
    'a header of more fields than a table can have is refused'
);
SELECT is(
    pgimport_test.try_stage(:'job', array_fill('h'::text, '{1595}')), 'ok',
    'one that a table can just hold is not'
);
SELECT is(
    pgimport_test.try_stage(:'job', ARRAY[repeat('h', 10001)]), 'PI308',
    'a field''s name of more than 10,000 characters is refused'
);
SELECT is(
    pgimport_test.try_stage(:'job', ARRAY[repeat('h', 10000)]), 'ok', 'one of as many is not'
);

-- options
SELECT is(pgimport_test.try_stage(:'job', '{code}', NULL), 'ok', 'options may be left out');
SELECT is(pgimport_test.try_stage(:'job', '{code}', 'null'), 'ok', 'a JSON null is none');
SELECT is(
    pgimport_test.try_stage(:'job', '{code}', '{"delimeter": ";"}'), 'PI002',
    'an unknown option is refused'
);
SELECT is(pgimport_test.try_stage(:'job', '{code}', '[]'), 'PI003', 'options are an object');
SELECT
    is(
        pgimport_test.try_stage(:'job', '{code}', w.options), 'PI003',
        format('a wrong value is refused: %s', w.options)
    )
FROM (
    VALUES
    ('{"sha256": "ABC"}'::jsonb),
    ('{"bytes": "many"}'),
    ('{"bytes": 1.5}'),
    ('{"bytes": 12345678901234567890}'),
    ('{"line_offset": "one"}'),
    ('{"line_offset": -1}'),
    ('{"file_no": "one"}'),
    ('{"file_no": 1.5}'),
    ('{"header": "maybe"}'),
    ('{"force": "please"}'),
    ('{"delimiter": "::"}'),
    ('{"delimiter": "\""}'),
    ('{"delimiter": "é"}'),
    ('{"encoding": "UTF-99"}')
) AS w (options);
SELECT is(
    pgimport_test.try_stage(:'job', '{code}', '{"file_no": 99}'), 'PI301',
    'a file that is not there cannot be staged again'
);
SELECT pgimport_test.completed_job('{A}') AS job \gset
SELECT is(
    pgimport_test.try_stage(:'job', '{code}'), 'PI102', 'a completed job takes no further file'
);

SELECT * FROM finish();
ROLLBACK;
