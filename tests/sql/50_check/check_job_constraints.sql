-- the constraints of the target, judged before the insert
BEGIN;
\ir ../setup.psql
SELECT plan(13);

CREATE TABLE pgimport_test.parent (a integer, b text, PRIMARY KEY (a, b));
INSERT INTO pgimport_test.parent VALUES (1, 'x'), (2, 'y');
CREATE FUNCTION pgimport_test.below_hundred(p_value integer)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
AS $$
BEGIN
    IF p_value = 13 THEN
        RAISE EXCEPTION 'thirteen';
    END IF;
    RETURN p_value < 100;
END;
$$;
CREATE TABLE pgimport_test.strict (
    id integer PRIMARY KEY,
    n integer CHECK (n > 0),
    m integer CHECK (pgimport_test.below_hundred(m)),
    g integer GENERATED ALWAYS AS (100 / n) STORED NOT NULL,
    a bigint,
    b varchar(10),
    parent integer REFERENCES pgimport_test.strict,
    w varchar(3),
    ww varchar(3) GENERATED ALWAYS AS (w || w) STORED,
    import_job_id uuid,
    CONSTRAINT less CHECK (n < m),
    CONSTRAINT divided CHECK (10 / (m - 5) > -100),
    CONSTRAINT both_or_none FOREIGN KEY (a, b) REFERENCES pgimport_test.parent MATCH FULL
);
INSERT INTO pgimport_test.strict (id, n, m) VALUES (1000, 1, 2);
SELECT pgimport.register_target('pgimport_test.strict', 'strict', '{id}', '{}');

-- imports rows of id, n, m, a, b, parent, w and says what is wrong with them
CREATE FUNCTION pgimport_test.found_in(VARIADIC p_lines text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{}', 'strict');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{id,n,m,a,b,parent,w}', p_lines);
    PERFORM pgimport.check_job(v_job_id);
    RETURN (
        SELECT string_agg(
            concat_ws(' ', i.row_no, i.column_name, i.code, i.value), '; '
            ORDER BY i.row_no, i.code COLLATE "C", i.column_name
        )
        FROM pgimport.issue_report(v_job_id, NULL, 100) AS i
    );
END;
$$;

SELECT is(pgimport_test.found_in('1,1,2,1,x,1000,a', '2,1,3,,,,'), NULL, 'good rows have no issue');
SELECT is(
    pgimport_test.found_in('1,-1,2,,,,', '2,,2,,,,a'),
    '1 n check:strict_n_check -1; 2 g required',
    'a CHECK refuses what is false and not what is null'
);
SELECT is(
    pgimport_test.found_in('1,5,4,,,,'), '1 n, m check:less 5, 4',
    'one over several columns names them all'
);
SELECT is(
    pgimport_test.found_in('1,1,2,,,,', '2,1,13,,,,', '3,1,200,,,,'),
    '2 m check:strict_m_check 13; 3 m check:strict_m_check 200',
    'a function that raises refuses the row, and only that one'
);
SELECT is(
    pgimport_test.found_in('1,1,5,,,,', '2,0,3,,,,'),
    '1 m check:divided 5; 2 n check:strict_n_check 0; 2 g generated:g 0',
    'so do a division by zero in a CHECK and in a generated column'
);
SELECT is(
    pgimport_test.found_in('1,1,2,,,,ab'), '1 ww too_long ab',
    'a generated column has a length, too'
);
SELECT is(
    pgimport_test.found_in('1,1,2,1,y,,', '2,1,2,1,,,', '3,1,2,,,,', '4,1,2,2,y,,'),
    '1 a, b foreign_key:both_or_none 1, y; 2 a, b foreign_key:both_or_none 1',
    'a foreign key of two columns; with MATCH FULL also where it is null in part'
);
SELECT is(
    pgimport_test.found_in('1,1,2,,,7,', '2,1,2,,,1,', '3,1,2,,,4,', '4,1,2,,,1000,'),
    '1 parent foreign_key:strict_parent_fkey 7; 2 parent foreign_key:strict_parent_fkey 1',
    'a reference to a row of the job counts where that row is inserted, wherever it stands'
);
SELECT is(
    pgimport_test.found_in('x,-1,2,3,x,,abcd'),
    '1 id bad_integer x; 1 n check:strict_n_check -1; '
    '1 a, b foreign_key:both_or_none 3, x; 1 w too_long abcd',
    'every error of a row is found at once, beside values that are wrong themselves'
);
SELECT is(
    pgimport_test.found_in('1,x,-5,,,,'), '1 n bad_integer x',
    'a constraint is not judged by a value that is wrong'
);
SELECT set_config('pgimport.language', 'fr', true);
SELECT pgimport_test.new_job('{}', 'strict') AS job \gset
SELECT pgimport_test.stage(:'job', '{id,n,m}', '{"1,-1,2","2,1,3"}');
SELECT pgimport.check_job(:'job') AS answer \gset
SELECT is(
    (
        SELECT i.message FROM pgimport.issue_report(:'job') AS i
    ), 'la ligne ne respecte pas la contrainte « strict_n_check » : (n > 0)',
    'in French, too'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted', 'rows_rejected'),
    'status=completed rows_inserted=1 rows_rejected=1', 'the other rows are inserted'
);

-- what cannot be known
CREATE TRIGGER touched BEFORE INSERT ON pgimport_test.strict
FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT pgimport_test.new_job('{}', 'strict') AS job \gset
SELECT pgimport_test.stage(:'job', '{id,n,m}', '{"9,1,2"}');
SELECT matches(
    pgimport.check_job(:'job') -> 'warnings' ->> 0, 'triggers may change them first: "touched"',
    'triggers that may change a row before its constraints see it are named'
);

SELECT * FROM finish();
ROLLBACK;
