BEGIN;
\ir ../setup.psql
SELECT plan(9);

-- the checksum over rows of columns a and b, as the functions compute it
CREATE FUNCTION pgimport_test.checksum(
    p_rows text,
    p_a regtype DEFAULT 'text'::regtype,
    p_b regtype DEFAULT 'text'::regtype
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_checksum text;
BEGIN
    EXECUTE format(
        'SELECT %s FROM (SELECT v.a::%s AS a, v.b::%s AS b FROM (VALUES %s) AS v (a, b)) AS r',
        pgimport._checksum_sql(concat_ws(
            ', ', pgimport._checksum_item('r.a', p_a), pgimport._checksum_item('r.b', p_b)
        )),
        p_a, p_b, p_rows
    ) INTO v_checksum;
    RETURN v_checksum;
END;
$$;

SELECT is(
    pgimport_test.checksum($$('1', 'x'), ('2', 'y')$$),
    pgimport_test.checksum($$('2', 'y'), ('1', 'x')$$),
    'rows in another order have the same checksum'
);
SELECT isnt(
    pgimport_test.checksum($$('1', 'x'), ('2', 'y')$$),
    pgimport_test.checksum($$('1', 'y'), ('2', 'x')$$),
    'values that changed places between rows are noticed'
);
SELECT isnt(
    pgimport_test.checksum($$('x', 'y')$$), pgimport_test.checksum($$('y', 'x')$$),
    'values that changed places inside a row are noticed'
);
SELECT isnt(
    pgimport_test.checksum($$('1', 'x')$$), pgimport_test.checksum($$('1', 'x'), ('1', 'x')$$),
    'a row that is there twice is noticed'
);
SELECT isnt(
    pgimport_test.checksum($$('', 'x')$$), pgimport_test.checksum($$(NULL, 'x')$$),
    'an empty string is not a null'
);
SELECT isnt(
    pgimport_test.checksum($$('1.0', 'x')$$, 'numeric'),
    pgimport_test.checksum($$('1.00', 'x')$$, 'numeric'),
    'numbers that are equal but written otherwise are noticed'
);
SELECT isnt(
    pgimport_test.checksum($$('1 day', 'x')$$, 'interval'),
    pgimport_test.checksum($$('24:00', 'x')$$, 'interval'),
    'and so are intervals'
);
SELECT is(
    pgimport_test.checksum($$('{"a": 1}', '(1,2)')$$, 'json', 'point'),
    pgimport_test.checksum($$('{"a": 1}', '(1,2)')$$, 'json', 'point'),
    'types without a hash function have a checksum, too'
);
SELECT is(
    pgimport_test.checksum($$('1', 'x')$$, 'integer'),
    pgimport_test.checksum($$('1', 'x')$$, 'bigint'),
    'a column that was made wider since keeps its checksum'
);

SELECT * FROM finish();
ROLLBACK;
