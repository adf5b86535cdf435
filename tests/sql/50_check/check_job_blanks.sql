BEGIN;
\ir ../setup.psql
SELECT plan(4);

-- blanks around values that are no text: some types skip them, some refuse them
CREATE TABLE pgimport_test.spaced (
    k text PRIMARY KEY,
    u uuid,
    i integer,
    n numeric(8, 2),
    f double precision,
    b boolean,
    d date,
    w varchar(3)
);
SELECT pgimport.register_target('pgimport_test.spaced'::regclass, 'spaced', '{k}', '{}');

CREATE FUNCTION pgimport_test.spaced_rows(p_lines text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{}', 'spaced');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{k,u,i,n,f,b,d,w}', p_lines);
    PERFORM pgimport.check_job(v_job_id);
    PERFORM pgimport.insert_job(v_job_id);
    RETURN (
        SELECT string_agg(format('%s', (s.k, s.u, s.i, s.n, s.f, s.b, s.d, s.w)), ' ' ORDER BY s.k)
        FROM pgimport_test.spaced AS s
        WHERE s.import_job_id = v_job_id
    );
END;
$$;

SELECT is(
    pgimport_test.spaced_rows(ARRAY[
        'a,11111111-1111-4111-8111-111111111111,1,1.5,2.5,true,2026-01-02,abc'
    ]),
    '(a,11111111-1111-4111-8111-111111111111,1,1.50,2.5,t,2026-01-02,abc)',
    'values without blanks'
);
SELECT is(
    pgimport_test.spaced_rows(ARRAY[
        E' b\t, 11111111-1111-4111-8111-111111111111 , 1 ,\t1.5, 2.5 , true , 2026-01-02 , abc '
    ]),
    '(b,11111111-1111-4111-8111-111111111111,1,1.50,2.5,t,2026-01-02,abc)',
    'are the same with blanks around them'
);
SELECT is(
    pgimport_test.spaced_rows(ARRAY['c,,1, ,,,,', 'd, , ,  , , , ,', E'e,\t,\t,\t,\t,\t,\t,\t']),
    '(c,,1,,,,,) (d,,,,,,,) (e,,,,,,,"")',
    'and nothing but blanks is null, where the type is no text'
);
SELECT is(
    pgimport_test.spaced_rows(
        ARRAY['f, x ,1,,,,,', 'g,,2,,,,,', 'h,,,,,,,abcd', 'i, ,4,,,,, abc ']
    ),
    '(g,,2,,,,,) (i,,4,,,,,abc)',
    'a wrong value and an overlong one are found among them'
);

SELECT * FROM finish();
ROLLBACK;
