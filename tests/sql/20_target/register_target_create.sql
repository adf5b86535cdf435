BEGIN;
\ir ../setup.psql
SELECT plan(14);

CREATE EXTENSION citext SCHEMA pgimport_test;
CREATE TYPE pgimport_test.color AS ENUM ('red', 'blue');
CREATE DOMAIN pgimport_test.label AS varchar(30) COLLATE "C";
CREATE TABLE pgimport_test.visits (
    person varchar(20),
    day date,
    email pgimport_test.citext,
    color pgimport_test.color,
    tags text[],
    label pgimport_test.label,
    note json,
    span int4range,
    import_job_id uuid
);

SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.visits', 'visits', '{person,day}')$$,
    'PI204', NULL, 'a key without a unique index is refused'
);
SELECT pgimport.register_target(
    'pgimport_test.visits', 'visits', '{person,day}', '{"on_duplicate": "create"}'
) AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'key', 'details.options.on_duplicate'),
    'success=true key=["person", "day"] details.options.on_duplicate=create',
    'unless its jobs create rows whatever their key'
);
SELECT is(
    :'answer'::jsonb -> 'ddl',
    jsonb_build_array(
        'CREATE INDEX ON pgimport_test.visits USING brin (import_job_id) '
        'WITH (autosummarize = true);'
    ),
    'and no unique index is made for it'
);
SELECT is(
    pgimport_test.pick(pgimport.describe_target('visits'), 'index', 'warnings'),
    'index=null warnings=[]', 'the target is described without an index, and nothing is wrong'
);
SELECT is(
    (SELECT concat_ws(' ', l.name, l.key, l.options) FROM pgimport.list_targets() AS l),
    'visits {person,day} {"on_duplicate": "create"}', 'it is listed like any other'
);

-- how such a key compares
CREATE FUNCTION pgimport_test.key_lines(p_key text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pgimport.register_target(
        'pgimport_test.visits', p_key::text, p_key, '{"on_duplicate": "create"}'
    );
    RETURN (
        SELECT string_agg(concat_ws(
            ' ', k.key_position, k.column_name, k.compare_type, k.equal_operator,
            k.collation_name, CASE WHEN k.nulls_not_distinct THEN 'nulls equal' END,
            k.index_name, k.index_position, k.hashable
        ), E'\n' ORDER BY k.key_position)
        FROM pgimport._key_columns(
            (SELECT t.target_id FROM pgimport.target AS t WHERE t.name = p_key::text)
        ) AS k
    );
END;
$$;
SELECT is(
    pgimport_test.key_lines('{person,day}'),
    E'1 person text OPERATOR(pg_catalog.=) pg_catalog."default" 1 t\n'
    '2 day OPERATOR(pg_catalog.=) 2 t',
    'its columns compare by the default of their types'
);
SELECT is(
    pgimport_test.key_lines('{email}'),
    '1 email OPERATOR(pgimport_test.=) pg_catalog."default" 1 t',
    'also those of an extension''s type'
);
SELECT is(
    pgimport_test.key_lines('{color,tags}'),
    E'1 color OPERATOR(pg_catalog.=) 1 t\n2 tags OPERATOR(pg_catalog.=) pg_catalog."default" 2 f',
    'enums and arrays'
);
SELECT is(
    pgimport_test.key_lines('{label,span}'),
    E'1 label text OPERATOR(pg_catalog.=) pg_catalog."C" 1 t\n2 span OPERATOR(pg_catalog.=) 2 f',
    'domains and ranges'
);
SELECT throws_ok(
    $$SELECT pgimport_test.key_lines('{note}')$$, 'PI207',
    'column "note" cannot be part of the key', 'a type whose values have no order makes no key'
);

-- with an index it makes no sense
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.codes', 'x', '{merchant_id,code}',
        '{"on_duplicate": "create"}')$$,
    'PI212', NULL, 'rows of one key cannot be created twice where a unique index is on the key'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.visits', 'x', '{person}',
        '{"on_duplicate": "create", "create_key": true}')$$,
    'PI003', NULL, 'an index is made for the key or rows are created whatever the key, not both'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.visits', 'x', '{person}',
        '{"on_duplicate": "merge"}')$$,
    'PI003', NULL, 'an unknown way with duplicates is refused'
);
CREATE UNIQUE INDEX ON pgimport_test.visits (day, person);
SELECT is(
    pgimport.describe_target('visits') ->> 'warnings',
    '["the key (person, day) has a unique index: imports with on_duplicate create, the default of '
    'this target, will be refused"]',
    'an index that was made since is told'
);

SELECT * FROM finish();
ROLLBACK;
