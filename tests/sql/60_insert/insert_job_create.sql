BEGIN;
\ir ../setup.psql
SELECT plan(16);

CREATE TABLE pgimport_test.visits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person varchar(20),
    day date,
    ticket text UNIQUE,
    import_job_id uuid
);
INSERT INTO pgimport_test.visits (person, day, ticket) VALUES ('ann', '2026-01-01', 'T1');
SELECT pgimport.register_target(
    'pgimport_test.visits', 'visits', '{person,day}', '{"on_duplicate": "create"}'
);

-- a job with one file of these lines
CREATE FUNCTION pgimport_test.visits_job(p_options jsonb, VARIADIC p_lines text[])
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, 'visits');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{person,day,ticket}', p_lines);
    RETURN v_job_id;
END;
$$;

SELECT pgimport_test.visits_job(
    '{}', 'ann,2026-01-01,', 'ann,2026-01-01,', 'bob,2026-01-02,T2', ',,'
) AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'valid', 'internal_duplicates', 'database_duplicates',
        'both_duplicates', 'clean_count', 'would_insert', 'warnings'
    ),
    'valid=true internal_duplicates=0 database_duplicates=0 both_duplicates=0 clean_count=4 '
    'would_insert=4 warnings=[]',
    'a job that creates has no duplicates, neither in its files nor in the table'
);
SELECT is(
    (SELECT count(*) FROM pgimport.duplicate_report(:'job')), 0::bigint, 'its report is empty'
);
SELECT is(
    (
        SELECT string_agg(r.value ->> 'class', ' ')
        FROM jsonb_array_elements(pgimport.preview_job(:'job') -> 'rows') AS r
    ), 'insert insert insert insert', 'and each row would be inserted'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_skipped', 'rows_updated'
    ),
    'success=true rows_inserted=4 rows_skipped=0 rows_updated=0', 'and is'
);
SELECT is(
    (
        SELECT
            string_agg(
                concat_ws(' ', v.person, v.day, v.ticket, v.import_job_id IS NOT NULL), ', '
                ORDER BY v.id
            )
        FROM pgimport_test.visits AS v
    ),
    'ann 2026-01-01 T1 f, ann 2026-01-01 t, ann 2026-01-01 t, bob 2026-01-02 T2 t, t',
    'also where its key is there, and beside one that somebody else made'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count'),
    'verified=true expected_count=4 actual_count=4', 'the job is verified by its id, not by its key'
);

-- unique constraints beside the key hold
SELECT pgimport_test.visits_job(
    '{}', 'cy,2026-01-03,T1', 'cy,2026-01-03,T3', 'cy,2026-01-03,T3', 'cy,2026-01-03,'
) AS other \gset
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'other'), 'clean_count', 'invalid_rows'),
    'clean_count=2 invalid_rows=2', 'what another unique constraint refuses is an issue'
);
SELECT bag_eq(
    format('SELECT i.row_no, i.code FROM pgimport.issue AS i WHERE i.job_id = %L', :'other'),
    $$VALUES (1::bigint, 'unique:visits_ticket_key'), (3, 'unique:visits_ticket_key')$$,
    'in the table and among the rows of the job'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'other'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'the other rows go in'
);

-- what came in between is no duplicate either
SELECT pgimport_test.visits_job('{}', 'dee,2026-01-04,', 'dee,2026-01-05,') AS third \gset
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'third'), 'clean_count'), 'clean_count=2', 'a third job'
);
INSERT INTO pgimport_test.visits (person, day) VALUES ('dee', '2026-01-04');
SELECT is(
    pgimport_test.pick(pgimport.validate_job(:'third'), 'new_database_duplicates', 'clean_count'),
    'new_database_duplicates=0 clean_count=2', 'is not changed by rows that come in between'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'third'), 'success', 'rows_inserted', 'new_database_duplicates'
    ),
    'success=true rows_inserted=2 new_database_duplicates=0', 'and inserts all of its own'
);

-- an index that came in between
SELECT pgimport_test.visits_job('{}', 'eve,2026-01-04,', 'eve,2026-01-05,') AS late \gset
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'late'), 'clean_count'), 'clean_count=2', 'a fourth job'
);
DELETE FROM pgimport_test.visits;
CREATE UNIQUE INDEX ON pgimport_test.visits (person, day);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'late'), 'PI102', NULL,
    'must be checked again once the key has a unique index'
);
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'late'), 'PI212', NULL, 'and is refused then'
);
DROP INDEX pgimport_test.visits_person_day_idx;
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'late'), 'success', 'rows_inserted'),
    'success=true rows_inserted=2', 'without the index it goes on'
);

SELECT * FROM finish();
ROLLBACK;
