BEGIN;
\ir ../setup.psql
SELECT plan(8);

CREATE TYPE pgimport_test.mood AS ENUM ('glad', 'sad');
CREATE DOMAIN pgimport_test.even AS integer CHECK (value % 2 = 0);
CREATE DOMAIN pgimport_test.short AS varchar(3);
CREATE TABLE pgimport_test.typed (
    code text PRIMARY KEY,
    small smallint,
    whole integer,
    big bigint,
    exact numeric(5, 2),
    rough double precision,
    day date,
    moment timestamptz,
    hour time,
    span interval,
    ident uuid,
    flag boolean,
    word varchar(3),
    fixed char(2),
    brief pgimport_test.short,
    mood pgimport_test.mood,
    even pgimport_test.even,
    doc jsonb
);
SELECT pgimport.register_target('pgimport_test.typed', 'typed', '{code}', '{}');
CREATE TABLE pgimport_test.needy (code text PRIMARY KEY, needed text NOT NULL);
SELECT pgimport.register_target('pgimport_test.needy', 'needy', '{code}', '{}');

-- what one value in one column is found to be
CREATE FUNCTION pgimport_test.found(p_column text, p_value text, p_target text DEFAULT 'typed')
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{}', p_target);
    v_file jsonb := pgimport.stage_file(v_job_id, 'a.csv', ARRAY['code', p_column]);
BEGIN
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (code, %I) VALUES (''1'', $1)',
        format('job_%s_f1', replace(v_job_id::text, '-', '')), p_column
    ) USING p_value;
    PERFORM pgimport.finish_file(v_job_id, 1, 1);
    RETURN coalesce(
        pgimport.check_job(v_job_id) #>> '{errors,0,code}',
        pgimport.insert_job(v_job_id) ->> 'status'
    );
END;
$$;

SELECT results_eq(
    $$SELECT c, v, pgimport_test.found(c, v) FROM (VALUES
        ('whole', 'x'), ('whole', '1.5'), ('whole', '2147483648'), ('small', '99999'),
        ('big', '9223372036854775808'), ('big', '12a'),
        ('exact', 'abc'), ('exact', '1000'), ('exact', '1,5'), ('rough', 'abc'), ('rough', '1e999')
    ) AS t (c, v)$$,
    $$VALUES
        ('whole', 'x', 'bad_integer'), ('whole', '1.5', 'bad_integer'),
        ('whole', '2147483648', 'out_of_range'), ('small', '99999', 'out_of_range'),
        ('big', '9223372036854775808', 'out_of_range'), ('big', '12a', 'bad_integer'),
        ('exact', 'abc', 'bad_numeric'), ('exact', '1000', 'out_of_range'),
        ('exact', '1,5', 'bad_numeric'), ('rough', 'abc', 'bad_numeric'),
        ('rough', '1e999', 'out_of_range')$$,
    'numbers: bad_integer, bad_numeric, out_of_range'
);
SELECT results_eq(
    $$SELECT c, v, pgimport_test.found(c, v) FROM (VALUES
        ('day', '2026-02-30'), ('day', 'soon'), ('day', '29.02.2027'), ('moment', '2026-01-01 25:00'),
        ('moment', 'x'), ('hour', 'noonish'), ('span', 'a while')
    ) AS t (c, v)$$,
    $$VALUES
        ('day', '2026-02-30', 'bad_date'), ('day', 'soon', 'bad_date'),
        ('day', '29.02.2027', 'bad_date'), ('moment', '2026-01-01 25:00', 'bad_date'),
        ('moment', 'x', 'bad_date'), ('hour', 'noonish', 'bad_date'), ('span', 'a while', 'bad_date')$$,
    'dates and times: bad_date, also for a day that the calendar does not have'
);
SELECT results_eq(
    $$SELECT c, v, pgimport_test.found(c, v) FROM (VALUES
        ('ident', '123'), ('flag', 'perhaps'), ('word', 'abcd'), ('fixed', 'abc'), ('brief', 'abcd'),
        ('mood', 'so so'), ('doc', '{'), ('even', 'x'), ('even', '3')
    ) AS t (c, v)$$,
    $$VALUES
        ('ident', '123', 'bad_uuid'), ('flag', 'perhaps', 'bad_boolean'), ('word', 'abcd', 'too_long'),
        ('fixed', 'abc', 'too_long'), ('brief', 'abcd', 'too_long'),
        ('mood', 'so so', 'not_allowed'), ('doc', '{', 'bad_value'),
        ('even', 'x', 'bad_integer'), ('even', '3', 'check:even_check')$$,
    'uuid, boolean, length, enum, jsonb and domains have their codes'
);
SELECT results_eq(
    $$SELECT c, v, pgimport_test.found(c, v) FROM (VALUES
        ('whole', '-2147483648'), ('small', '+7'), ('exact', '999.99'), ('exact', '1.005'),
        ('rough', 'NaN'), ('rough', '-0'), ('rough', '1e308'), ('day', '2028-02-29'), ('day', 'infinity'),
        ('moment', '2026-01-01T10:00:00Z'), ('moment', '2026-01-01 10:00:00.123456+02'),
        ('hour', '23:59'), ('span', '1 day'), ('ident', '{11111111-1111-4111-8111-111111111111}'),
        ('ident', '11111111111141118111111111111111'), ('flag', 't'), ('flag', 'off'), ('word', 'äöü'),
        ('word', 'ab   '), ('fixed', 'a'), ('mood', 'sad'), ('even', '4'), ('doc', '{"a": null}')
    ) AS t (c, v) WHERE pgimport_test.found(c, v) <> 'completed'$$,
    'SELECT ''''::text, ''''::text, ''''::text WHERE false',
    'what the types take is no issue'
);

-- an empty string
SELECT results_eq(
    $$SELECT c, pgimport_test.found(c, '') FROM (VALUES
        ('whole'), ('exact'), ('day'), ('ident'), ('flag'), ('mood'), ('doc'), ('word')
    ) AS t (c)$$,
    $$SELECT c, 'completed' FROM (VALUES
        ('whole'), ('exact'), ('day'), ('ident'), ('flag'), ('mood'), ('doc'), ('word')
    ) AS t (c)$$,
    'an empty string is no issue where nothing is required'
);
SELECT is(
    pgimport_test.found('needed', '', 'needy'), 'required', 'but it is where the column is required'
);
SELECT is(
    pgimport_test.found('needed', NULL, 'needy'),
    'required',
    'a null in a NOT NULL column is required'
);
SELECT is(
    pgimport_test.found('needed', E' \t', 'needy'), 'required',
    'a value of blanks only is an empty one, as values are trimmed'
);

SELECT * FROM finish();
ROLLBACK;
