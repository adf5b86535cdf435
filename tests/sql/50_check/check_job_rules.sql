BEGIN;
\ir ../setup.psql
SELECT plan(17);

CREATE TABLE pgimport_test.ruled (
    code text PRIMARY KEY,
    name text,
    points integer,
    state text NOT NULL DEFAULT 'new',
    stamp integer NOT NULL DEFAULT 7,
    source text,
    doubled integer GENERATED ALWAYS AS (points * 2) STORED
);
SELECT pgimport.register_target('pgimport_test.ruled', 'ruled', '{code}', '{}');

-- rows of the table by code, as text
CREATE FUNCTION pgimport_test.row_of(p_code text)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        concat_ws(
            '|', code, coalesce('<' || name || '>', 'null'), coalesce(points::text, 'null'),
            state, stamp, coalesce(source, 'null')
        )
    FROM pgimport_test.ruled
    WHERE code = p_code;
END;

-- imports lines of code, name, points
CREATE FUNCTION pgimport_test.take(p_header text[], p_lines text[], p_options jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, 'ruled');
    v_check jsonb;
BEGIN
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    v_check := pgimport.check_job(v_job_id);
    RETURN pgimport.insert_job(v_job_id) || jsonb_build_object('errors', v_check -> 'errors');
END;
$$;

-- trim
SELECT pgimport_test.take('{code,name,points}', ARRAY[E' T1 ,\t Ann \r, 5 ']);
SELECT is(pgimport_test.row_of('T1'), 'T1|<Ann>|5|new|7|null', 'values are trimmed');
SELECT pgimport.set_column('ruled', 'name', '{"trim": false}');
SELECT pgimport_test.take('{code,name}', ARRAY['T2, Ann ']);
SELECT is(
    pgimport_test.row_of('T2'), 'T2|< Ann >|null|new|7|null', 'unless a rule says trim: false'
);

-- null_values
SELECT pgimport.set_column('ruled', 'name', '{"null_values": ["N/A", "-"]}');
SELECT pgimport.set_column('ruled', 'points', '{"null_values": ["none"]}');
SELECT pgimport_test.take('{code,name,points}', ARRAY['N1,N/A,none', 'N2, - ,3', 'N3,n/a,4']);
SELECT is(pgimport_test.row_of('N1'), 'N1|null|null|new|7|null', 'null_values are read as null');
SELECT is(pgimport_test.row_of('N2'), 'N2|null|3|new|7|null', 'after trimming');
SELECT is(pgimport_test.row_of('N3'), 'N3|<n/a>|4|new|7|null', 'and exactly as written');

-- default of a rule
SELECT pgimport.set_column('ruled', 'points', '{"default": "42", "null_values": ["none"]}');
SELECT pgimport_test.take('{code,points}', ARRAY['D1,none', 'D2,', 'D3,1']);
SELECT is(pgimport_test.row_of('D1'), 'D1|null|42|new|7|null', 'a rule''s default replaces a null');
SELECT is(pgimport_test.row_of('D2'), 'D2|null|42|new|7|null', 'and a field that is empty');
SELECT is(pgimport_test.row_of('D3'), 'D3|null|1|new|7|null', 'but no value');
SELECT pgimport_test.take('{code}', ARRAY['D4']);
SELECT is(
    pgimport_test.row_of('D4'), 'D4|null|42|new|7|null',
    'it also fills a column that no file has'
);

-- NOT NULL with DEFAULT
SELECT is(
    pgimport_test.pick(
        pgimport_test.take('{code,state,stamp}', ARRAY['K1,,', 'K2,old,1']), 'success', 'errors'
    ),
    'success=true errors=[]', 'a null in a NOT NULL column with a DEFAULT is no issue'
);
SELECT is(
    pgimport_test.row_of('K1'), 'K1|null|42|new|7|null', 'it takes the table''s default'
);
SELECT is(pgimport_test.row_of('K2'), 'K2|null|42|old|1|null', 'a value is kept');

-- required
SELECT pgimport.set_column('ruled', 'name', '{"required": true, "null_values": ["N/A"]}');
SELECT is(
    pgimport_test.take('{code,name}', ARRAY['R1,Ann', 'R2,', 'R3,N/A']) -> 'errors',
    '[{"code": "required", "count": 2, "column": "name", "sample": null}]'::jsonb,
    'a column made required by a rule refuses nulls, also those of null_values'
);
SELECT throws_ok(
    $$SELECT pgimport_test.take('{code}', ARRAY['R4'])$$,
    'PI207', NULL, 'a required column that no file has is a fault of the mapping'
);
SELECT lives_ok(
    $$SELECT pgimport_test.take('{code}', ARRAY['R5'], '{"constants": {"name": "Const"}}')$$,
    'unless a constant gives it'
);

-- constants
SELECT pgimport_test.take(
    '{code,name,source}', ARRAY['C1,Ann,file'], '{"constants": {"source": "job", "points": 9}}'
);
SELECT is(
    pgimport_test.row_of('C1'), 'C1|<Ann>|9|new|7|job', 'a constant of the job wins over the file'
);
SELECT is(
    (
        SELECT r.doubled FROM pgimport_test.ruled AS r
        WHERE r.code = 'C1'
    ), 18,
    'generated columns are computed, not written'
);

SELECT * FROM finish();
ROLLBACK;
