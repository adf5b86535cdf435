-- unique and exclusion constraints beside the key
BEGIN;
\ir ../setup.psql
SELECT plan(12);

CREATE TABLE pgimport_test.person (
    id integer PRIMARY KEY,
    email text NOT NULL UNIQUE,
    badge integer CONSTRAINT one_badge UNIQUE DEFERRABLE INITIALLY DEFERRED,
    seat integer CONSTRAINT one_seat UNIQUE NULLS NOT DISTINCT,
    nick text,
    during int4range,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    import_job_id uuid,
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&)
);
CREATE UNIQUE INDEX one_nick ON pgimport_test.person (lower(nick)) WHERE nick <> 'free';
INSERT INTO pgimport_test.person (id, email, badge, seat, nick, during)
VALUES (1000, 't@t', 1000, 1000, 'Tee', '[1000,1010)');
SELECT pgimport.register_target('pgimport_test.person', 'person', '{email}', '{}');

-- imports rows and says what becomes of each: number, class, issue codes
CREATE FUNCTION pgimport_test.become(p_header text[], p_lines text[], p_options jsonb DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, 'person');
    v_answer jsonb;
    v_rows text;
BEGIN
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    PERFORM pgimport.check_job(v_job_id);
    SELECT string_agg(
        concat_ws(' ', r.row_no, r.class, (
            SELECT string_agg(i ->> 'code', ',' ORDER BY i ->> 'code')
            FROM jsonb_array_elements(r.issues) AS i
        )), '; ' ORDER BY r.row_no
    ) INTO v_rows
    FROM pgimport.row_report(v_job_id) AS r;
    v_answer := pgimport.insert_job(v_job_id);
    IF NOT (v_answer ->> 'success')::boolean THEN
        RETURN v_rows || ' but ' || (v_answer ->> 'message');
    END IF;
    PERFORM pgimport.rollback_job(v_job_id);
    RETURN v_rows;
END;
$$;

SELECT is(
    pgimport_test.become(
        '{id,email,badge,seat}', '{"1,a,1,1","1000,b,2,2","3,c,1000,3","4,d,4,1000"}'
    ),
    '1 insert; 2 invalid unique:person_pkey; 3 invalid unique:one_badge; '
    '4 invalid unique:one_seat',
    'a value that is in the table already is an issue of its constraint'
);
SELECT is(
    pgimport_test.become('{id,email,badge,seat}', '{"1,a,1,1","2,b,1,2","3,c,3,1"}'),
    '1 insert; 2 invalid unique:one_badge; 3 invalid unique:one_seat',
    'so is one that an earlier row of the job has'
);
SELECT is(
    pgimport_test.become('{id,email,badge,seat}', '{"1,a,1,1","2,b,1,2","3,c,3,2"}'),
    '1 insert; 2 invalid unique:one_badge; 3 insert',
    'a row that is refused claims nothing'
);
SELECT is(
    pgimport_test.become('{id,email,badge,seat}', '{"1,a,1,1","2,b,1,2","3,b,3,3"}'),
    '1 insert; 2 invalid unique:one_badge; 3 insert',
    'not its key, either: the next row with that key is inserted'
);
SELECT is(
    pgimport_test.become('{id,email,badge,seat}', '{"1,a,1,1","1,a,1,1","1000,t@t,1000,1000"}'),
    '1 insert; 2 skip; 3 skip', 'a duplicate by the key is a duplicate and no issue'
);
SELECT is(
    pgimport_test.become(
        '{id,email,badge,seat}', '{"1,a,1,1","2,b,1,2","3,c,3,2"}', '{"keep": "last"}'
    ),
    '1 insert; 2 invalid unique:one_seat; 3 insert', 'with keep = last the last one wins'
);
SELECT is(
    pgimport_test.become('{id,email,seat}', '{"1,a,","2,b,"}'),
    '1 insert; 2 invalid unique:one_seat', 'NULLS NOT DISTINCT: a second null is refused'
);
SELECT is(
    pgimport_test.become('{id,email,badge,seat}', '{"1,a,,1","2,b,,2"}'), '1 insert; 2 insert',
    'otherwise nulls are not equal'
);
SELECT is(
    pgimport_test.become(
        '{id,email,seat,nick}', '{"1,a,1,TEE","2,b,2,x","3,c,3,X","4,d,4,free","5,e,5,free"}'
    ),
    '1 invalid unique:one_nick; 2 insert; 3 invalid unique:one_nick; 4 insert; 5 insert',
    'a partial index over an expression compares what it holds'
);

SELECT pgimport_test.new_job('{}', 'person') AS job \gset
CREATE TABLE pgimport_test.incoming (id integer, email text, seat integer, during text);
INSERT INTO pgimport_test.incoming VALUES
(1, 'a', 1, '[1,5)'), (2, 'b', 2, '[4,8)'), (3, 'c', 3, '[7,9)'), (4, 'd', 4, '[1005,1006)'),
(5, 'e', 5, NULL);
SELECT pgimport.stage_relation(:'job', 'pgimport_test.incoming', '{"order_by": ["id"]}');
SELECT pgimport.check_job(:'job');
SELECT is(
    (
        SELECT string_agg(concat_ws(' ', i.row_no, i.code, i.value), '; ' ORDER BY i.row_no)
        FROM pgimport.issue_report(:'job') AS i
    ),
    '2 exclusion:apart [4,8); 4 exclusion:apart [1005,1006)',
    'an exclusion constraint is judged by its own operators, in the order of the rows'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted', 'rows_rejected'),
    'status=completed rows_inserted=3 rows_rejected=2', 'and what is left goes in'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::pg_catalog.regnamespace
            AND c.relname ~ '_(key[0-9]+|claim|claim_row|doubt)$'
    ), 0, 'nothing is left of the tables they were found with'
);

SELECT * FROM finish();
ROLLBACK;
