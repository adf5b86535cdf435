BEGIN;
\ir ../setup.psql
SELECT plan(19);

CREATE EXTENSION IF NOT EXISTS citext SCHEMA pgimport_test;
SELECT format('%I', n.nspname) AS citext_schema
FROM pg_catalog.pg_extension AS x
INNER JOIN pg_catalog.pg_namespace AS n ON x.extnamespace = n.oid
WHERE x.extname = 'citext'
\gset

-- makes table and target pgimport_test.<name> with these columns and this unique constraint,
-- holding some rows; then checks and inserts a file, and says internal, database, clean, inserted
CREATE FUNCTION pgimport_test.keyed(
    p_name text,
    p_columns text,
    p_unique text,
    p_key text[],
    p_rows text,
    p_lines text[]
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid;
    v_check jsonb;
    v_insert jsonb;
BEGIN
    EXECUTE format('CREATE TABLE pgimport_test.%I (%s, UNIQUE %s)', p_name, p_columns, p_unique);
    PERFORM pgimport.register_target(
        format('pgimport_test.%I', p_name)::regclass, p_name, p_key, '{}'
    );
    EXECUTE format('INSERT INTO pgimport_test.%I VALUES %s', p_name, p_rows);
    v_job_id := pgimport_test.new_job('{}', p_name);
    PERFORM pgimport_test.stage(v_job_id, p_key, p_lines);
    v_check := pgimport.check_job(v_job_id);
    v_insert := pgimport.insert_job(v_job_id);
    RETURN concat_ws(
        ' ', v_check ->> 'internal_duplicates', v_check ->> 'database_duplicates',
        v_check ->> 'clean_count', v_insert ->> 'rows_inserted', v_insert #>> '{details,sqlstate}'
    );
END;
$$;

SELECT is(
    pgimport_test.keyed(
        'plain', 'k text', '(k)', '{k}', $$('a'), ('ö')$$, '{a,A,b,b,ö,Ö,B}'
    ), '1 2 4 4', 'text keys are compared with their case'
);
SELECT is(
    pgimport_test.keyed(
        'caseless', format('k %s.citext', :'citext_schema'), '(k)', '{k}', $$('A@x.fr')$$,
        '{a@X.fr,b@x.fr,B@X.FR,c@x.fr}'
    ), '1 1 2 2', 'citext keys are compared without their case'
);
SELECT is(
    pgimport_test.keyed(
        'caseless_pair', format('m uuid, k %s.citext', :'citext_schema'), '(m, k)', '{k,m}',
        $$('11111111-1111-4111-8111-111111111111', 'A')$$,
        '{"a,11111111-1111-4111-8111-111111111111","b,11111111-1111-4111-8111-111111111111",'
        '"B,11111111111141118111111111111111","b,22222222-1111-4111-8111-111111111111"}'
    ), '1 1 2 2', 'uuid and citext together, each by its own rule'
);
SELECT is(
    pgimport_test.keyed(
        'pair', 'm uuid, k text', '(k, m)', '{m,k}',
        $$('11111111-1111-4111-8111-111111111111', 'A')$$,
        '{"11111111-1111-4111-8111-111111111111,A","{11111111-1111-4111-8111-111111111111},A",'
        '"22222222-1111-4111-8111-11111111111A,A","22222222-1111-4111-8111-11111111111a,A"}'
    ), '2 2 1 1', 'a uuid is the same in every spelling'
);
SELECT is(
    pgimport_test.keyed(
        'limited', 'k varchar(5)', '(k)', '{k}', $$('abc')$$, '{abc,abcd,abcd,ABC}'
    ), '1 1 2 2', 'varchar keys are compared as text'
);
SELECT is(
    pgimport_test.keyed(
        'padded', 'k char(4)', '(k)', '{k}', $$('ab')$$, '{"ab  ",cd,"cd ",ef}'
    ), '1 1 2 2', 'char(n) keys are compared without the blanks at the end'
);
SELECT is(
    pgimport_test.keyed(
        'rounded', 'k numeric(10, 2)', '(k)', '{k}', '(1.00), (2.5)',
        '{1.001,1.0,3.004,3.0,2.50,4,4.006}'
    ), '2 3 3 3', 'numeric(10,2) keys are compared after rounding: 1.001 is 1.00'
);
SELECT is(
    pgimport_test.keyed(
        'moment', 'k timestamptz', '(k)', '{k}', $$('2026-01-01 10:00+00')$$,
        '{"2026-01-01 12:00+02","2026-01-02 00:00Z","2026-01-01 19:00-05"}'
    ), '1 1 1 1', 'moments are the same in every time zone'
);
SELECT is(
    pgimport_test.keyed(
        'rough', 'k double precision', '(k)', '{k}', $$(0), ('NaN')$$, '{-0,nan,1e0,1.0,10e-1}'
    ), '2 2 1 1', 'floats: -0 equals 0 and NaN equals NaN'
);

-- nulls
SELECT is(
    pgimport_test.keyed(
        'nulls', 'a text, b text', '(a, b)', '{a,b}', $$('x', NULL), ('y', 'y')$$,
        '{"x,","x,","y,y",",",","}'
    ), '0 1 4 4', 'a key with a null part is no duplicate of anything'
);
SELECT is(
    pgimport_test.keyed(
        'same_nulls', 'a text, b text', 'NULLS NOT DISTINCT (a, b)', '{a,b}',
        $$('x', NULL), ('y', 'y')$$, '{"x,","z,","z,","y,y",",",",",",b"}'
    ), '2 2 3 3', 'unless the index says NULLS NOT DISTINCT'
);

-- a key column that no file has, and nulls that take a default
SELECT is(
    pgimport_test.keyed(
        'defaulted', $$a text, b text NOT NULL DEFAULT 'd'$$, '(a, b)', '{a,b}', $$('x', 'd')$$,
        '{"x,","y,","y,","y,d","y,e"}'
    ), '2 1 2 2', 'a key part that takes the table''s default is compared with that default'
);

CREATE SEQUENCE pgimport_test.numbers;
SELECT is(
    pgimport_test.keyed(
        'numbered', $$a text, b integer NOT NULL DEFAULT nextval('pgimport_test.numbers')$$,
        '(a, b)', '{a,b}', $$('x', 1000)$$, '{"x,","x,","x,1000","y,"}'
    ), '0 1 3 3', 'a default that is another one each time makes no duplicate'
);
SELECT is(
    (SELECT n.last_value FROM pgimport_test.numbers AS n), 3::bigint,
    'and is taken once for each row inserted, by no check'
);

-- a collation of its own
CREATE FUNCTION pgimport_test.make_collation()
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE COLLATION pgimport_test.no_case (
        provider = icu, locale = 'und-u-ks-level2', deterministic = false
    );
    RETURN true;
EXCEPTION
    WHEN feature_not_supported THEN
        RETURN false;
END;
$$;
SELECT pgimport_test.make_collation() AS has_icu \gset
\if :has_icu
SELECT is(
    pgimport_test.keyed(
        'collated', 'k text COLLATE pgimport_test.no_case', '(k)', '{k}', $$('Äb')$$,
        '{äB,cd,CD,ef}'
    ), '1 1 2 2', 'a nondeterministic collation of the index decides'
);
\else
SELECT skip('the server has no ICU', 1);
\endif

-- names that need quotes
SELECT is(
    pgimport_test.keyed(
        'odd "name" %s', '"a ""b"" %I" text, "select" integer', '("a ""b"" %I", "select")',
        '{"a \"b\" %I",select}', $$('x', 1)$$, '{"x,1","x,2","x,2"}'
    ), '1 1 1 1', 'tables and columns may have any name'
);

-- a domain
CREATE DOMAIN pgimport_test.code_text AS varchar(10) CHECK (value <> 'no');
SELECT is(
    pgimport_test.keyed(
        'domained', 'k pgimport_test.code_text', '(k)', '{k}', $$('a')$$, '{a,b,b,no}'
    ), '1 1 1 1', 'a domain is compared as its base type'
);

-- types whose keys are not hashed: one has no hash function, the other only for some elements
SELECT is(
    pgimport_test.keyed(
        'paid', 'k money', '(k)', '{k}', $$('1.00')$$, '{1,2,2.00,3,3}'
    ), '2 1 2 2', 'keys of a type without a hash function are compared'
);
SELECT is(
    pgimport_test.keyed(
        'listed', 'k integer[]', '(k)', '{k}', $$('{1}')$$, '{"{1}","{2}","{ 2}","{3}"}'
    ), '1 1 2 2', 'array keys are compared as arrays'
);

SELECT * FROM finish();
ROLLBACK;
