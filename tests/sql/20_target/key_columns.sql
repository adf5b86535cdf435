BEGIN;
\ir ../setup.psql
SELECT plan(9);

CREATE EXTENSION citext SCHEMA pgimport_test;
CREATE DOMAIN pgimport_test.merchant_number AS uuid;
CREATE TABLE pgimport_test.keyed (
    email pgimport_test.citext UNIQUE,
    merchant_id uuid,
    code varchar(20) COLLATE "C",
    number pgimport_test.merchant_number UNIQUE,
    serial text,
    import_job_id uuid,
    UNIQUE NULLS NOT DISTINCT (code, merchant_id)
);
CREATE UNIQUE INDEX ON pgimport_test.keyed (serial text_pattern_ops);

-- what _key_columns() says, a line a column
CREATE FUNCTION pgimport_test.key_lines(p_name text)
RETURNS SETOF text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $key_lines$
    SELECT concat_ws(
        ' ', k.column_name, k.compare_type, k.equal_operator, k.collation_name,
        CASE WHEN k.nulls_not_distinct THEN 'nulls equal' END, k.index_position
    )
    FROM pgimport.target AS t
    CROSS JOIN LATERAL pgimport._key_columns(t.target_id) AS k
    WHERE t.name = p_name
$key_lines$;

SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.keyed', 'email', '{email}')$$,
    'a citext key can be registered'
);
SELECT is(
    (SELECT l FROM pgimport_test.key_lines('email') AS l),
    'email OPERATOR(pgimport_test.=) pg_catalog."default" 1',
    'citext is compared with its own operator'
);
SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.keyed', 'both', '{merchant_id,code}')$$,
    'a key may name the columns in another order than the index'
);
SELECT results_eq(
    $$SELECT l FROM pgimport_test.key_lines('both') AS l$$,
    ARRAY[
        'merchant_id OPERATOR(pg_catalog.=) nulls equal 2',
        'code text OPERATOR(pg_catalog.=) pg_catalog."C" nulls equal 1'
    ],
    'uuid and varchar: type, collation, nulls and place as in the index'
);
SELECT is(
    pgimport.register_target('pgimport_test.keyed', 'number', '{number}') ->> 'success', 'true',
    'a domain can be a key'
);
SELECT is(
    (SELECT l FROM pgimport_test.key_lines('number') AS l),
    'number uuid OPERATOR(pg_catalog.=) 1', 'and is compared as its base type'
);
SELECT lives_ok(
    $$SELECT pgimport.register_target('pgimport_test.keyed', 'serial', '{serial}')$$,
    'an operator class with the type''s own equality is fine'
);

CREATE TABLE pgimport_test.sensitive (email pgimport_test.citext);
CREATE UNIQUE INDEX ON pgimport_test.sensitive (email pg_catalog.text_ops);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.sensitive', 'x', '{email}')$$,
    'PI209', NULL, 'an index that compares otherwise than the type is refused'
);

DROP INDEX pgimport_test.keyed_serial_idx;
SELECT throws_ok(
    $$SELECT pgimport_test.key_lines('serial')$$,
    'PI204', NULL, 'a key whose index was dropped is refused at use'
);

SELECT * FROM finish();
ROLLBACK;
