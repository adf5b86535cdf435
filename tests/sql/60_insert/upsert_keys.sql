-- Updates find their row by the key as the unique index compares it, and only that row.
BEGIN;
\ir ../setup.psql
SELECT plan(15);

-- a table with these columns, key and rows; a job that updates column v; what it did and what is
-- in the table, its columns as text
CREATE FUNCTION pgimport_test.upserted(
    p_name text,
    p_columns text,
    p_unique text,
    p_key text[],
    p_rows text,
    p_header text[],
    p_lines text[]
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid;
    v_answer jsonb;
    v_rows text;
    v_verified jsonb;
BEGIN
    EXECUTE format('CREATE TABLE pgimport_test.%I (%s, v text, import_job_id uuid, UNIQUE %s)',
        p_name, p_columns, p_unique);
    EXECUTE format('INSERT INTO pgimport_test.%I VALUES %s', p_name, p_rows);
    PERFORM pgimport.register_target(
        format('pgimport_test.%I', p_name)::regclass, p_name, p_key, '{"on_duplicate": "update"}'
    );
    v_job_id := pgimport_test.new_job('{}', p_name);
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    PERFORM pgimport.check_job(v_job_id);
    v_answer := pgimport.insert_job(v_job_id);
    v_verified := pgimport.verify_job(v_job_id);
    IF NOT (v_answer ->> 'success')::boolean OR NOT (v_verified ->> 'verified')::boolean THEN
        RETURN concat(v_answer, v_verified);
    END IF;
    EXECUTE format(
        'SELECT string_agg(translate((SELECT string_agg(coalesce(j.value, ''-''), '','') '
        'FROM json_each_text(row_to_json(t)) AS j WHERE j.key <> ''import_job_id''), '' '', '''') '
        ', '' '' ORDER BY t.v, t::text) FROM pgimport_test.%I AS t', p_name
    ) INTO v_rows;
    RETURN format('%s/%s/%s: %s', v_answer -> 'rows_inserted', v_answer -> 'rows_updated',
        v_answer -> 'rows_unchanged', v_rows);
END;
$$;

SELECT is(
    pgimport_test.upserted(
        'composite', 'a text, b integer', '(a, b)', '{b,a}', $$('x', 1, 'o'), ('x', 2, 'o')$$,
        '{a,b,v}', '{"x,2,p","y,2,q","x,1,o"}'
    ), '1/1/1: x,1,o x,2,p y,2,q', 'a key of several columns, named in another order'
);
SELECT is(
    pgimport_test.upserted(
        'nulls', 'a text, b integer', '(a, b)', '{a,b}', $$('x', NULL, 'o'), ('x', 1, 'o')$$,
        '{a,b,v}', '{"x,,p","x,1,q"}'
    ), '1/1/0: x,-,o x,-,p x,1,q', 'a key with a null part is no row of the table: it is inserted'
);
SELECT is(
    pgimport_test.upserted(
        'same_nulls', 'a text, b integer', 'NULLS NOT DISTINCT (a, b)', '{a,b}',
        $$('x', NULL, 'o'), ('x', 1, 'o'), (NULL, NULL, 'o'), (NULL, 1, 'o')$$,
        '{a,b,v}', '{"x,,p",",,q","x,2,r",",1,o"}'
    ), '1/2/1: -,1,o x,1,o x,-,p -,-,q x,2,r', 'unless the index says NULLS NOT DISTINCT'
);
SELECT is(
    pgimport_test.upserted(
        'numbers', 'k numeric', '(k)', '{k}', $$(1.00, 'o'), (2, 'o')$$,
        '{k,v}', '{"1,p","2.000,q","3,r"}'
    ), '1/2/0: 1.00,p 2,q 3,r', 'equal numbers of other digits are one key, which stays as it is'
);
SELECT is(
    pgimport_test.upserted(
        'padded', 'k character(4)', '(k)', '{k}', $$('ab', 'o')$$, '{k,v}', '{"ab,p"}'
    ), '0/1/0: ab,p', 'blanks at the end of a character key do not count'
);
SELECT is(
    pgimport_test.upserted(
        'floats', 'k double precision', '(k)', '{k}', $$(0, 'o'), ('NaN', 'o')$$,
        '{k,v}', '{"-0,p","nan,q"}'
    ), '0/2/0: 0,p NaN,q', 'floats: -0 is 0 and NaN is NaN'
);
CREATE DOMAIN pgimport_test.positive AS integer CHECK (value > 0);
CREATE DOMAIN pgimport_test.list AS integer[];
SELECT is(
    pgimport_test.upserted(
        'domains', 'a pgimport_test.positive, b pgimport_test.list', '(a, b)', '{a,b}',
        $$(1, '{1}', 'o'), (2, '{}', 'o')$$, '{a,b,v}', '{"1,{1},p","2,{2},q"}'
    ), '1/1/0: 2,[],o 1,[1],p 2,[2],q', 'keys of domain types'
);
SELECT is(
    pgimport_test.upserted(
        'arrays', 'k integer []', '(k)', '{k}', $$('{1}', 'o'), ('{}', 'o')$$, '{k,v}',
        '{"{1},p","{2},q"}'
    ), '1/1/0: [],o [1],p [2],q', 'a key whose type has no hash of its own'
);
SELECT is(
    pgimport_test.upserted(
        'moments', 'k timestamptz', '(k)', '{k}',
        $$('2026-01-01 10:00+00', 'o'), ('infinity', 'o')$$,
        '{k,v}', '{"2026-01-01 12:00+02,p","infinity,q"}'
    ) ~ '^0/2/0', true, 'moments are the same in every time zone'
);
SELECT is(
    pgimport_test.upserted(
        'words', $$k text, "odd "" name" integer$$, '(k)', '{k}', $$('a''b', 1, 'o')$$,
        ARRAY['k', 'odd " name', 'v'], '{"a''b,2,p"}'
    ), $$0/1/0: a'b,2,p$$, 'names and values with quotes'
);

-- a default in the key
SELECT is(
    pgimport_test.upserted(
        'defaulted', $$a text, b text NOT NULL DEFAULT 'd'$$, '(a, b)', '{a,b}',
        $$('x', 'd', 'o'), ('x', 'e', 'o')$$, '{a,v}', '{"x,p"}'
    ), '0/1/0: x,e,o x,d,p', 'a key part that no file has is the default of the table'
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
    pgimport_test.upserted(
        'caseless', 'k text COLLATE pgimport_test.no_case', '(k)', '{k}',
        $$('Abc', 'o'), ('x', 'o')$$, '{k,v}', '{"aBC,p","X,o"}'
    ), '0/1/1: x,o Abc,p', 'a collation without case finds the row, which keeps its spelling'
);
SELECT is(
    pgimport_test.upserted(
        'caseless_value', 'k text, w text COLLATE pgimport_test.no_case', '(k)', '{k}',
        $$('a', 'Abc', 'o')$$, '{k,w,v}', '{"a,ABC,o"}'
    ), '0/1/0: a,ABC,o', 'a value that differs in case alone is an update'
);
\else
SELECT skip('this server has no ICU', 2);
\endif

-- another key of the same table
CREATE TABLE pgimport_test.two (a integer UNIQUE, b integer UNIQUE, v text, import_job_id uuid);
INSERT INTO pgimport_test.two VALUES (1, 11, 'o'), (2, 12, 'o');
SELECT pgimport.register_target('pgimport_test.two', 'two', '{b}', '{"on_duplicate": "update"}');
SELECT pgimport_test.new_job('{}', 'two') AS job \gset
SELECT pgimport_test.stage(:'job', '{a,b,v}', '{"3,11,p","2,12,p"}');
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_updated'),
    'success=true rows_updated=2', 'columns of other unique indexes may be updated'
);
SELECT results_eq(
    'SELECT a, b, v FROM pgimport_test.two ORDER BY b', $$VALUES (3, 11, 'p'), (2, 12, 'p')$$,
    'and are'
);

SELECT * FROM finish();
ROLLBACK;
