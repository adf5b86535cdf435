BEGIN;
\ir ../setup.psql
\ir salon.psql
\ir doomed.psql
SELECT plan(11);

SELECT pgimport_test.salon_targets();
SELECT pgimport_test.salon_job('client', '{"1,Ann","2,Bob"}') AS clients \gset
SELECT pgimport_test.salon_job('appointment', '{"11,1","12,2"}') AS first \gset
SELECT pgimport_test.salon_job('appointment', '{"13,1"}') AS second \gset
INSERT INTO pgimport_test.appointment (id, client_id) VALUES (14, 1), (15, 1);

-- dependents of clients: all, by jobs, by people
CREATE FUNCTION pgimport_test.who(p_condition text)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $who$
BEGIN
    RETURN (
        SELECT pgimport_test.shown(d.dependents, 'constraint', 'count', 'by_jobs', 'by_others')
        FROM pgimport._dependents(
            'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', p_condition)
        ) AS d
    );
END;
$who$;

SELECT is(
    pgimport_test.who('true'), 'appointment_client_fkey 5 3 2',
    'dependents are those that jobs inserted and those that people added'
);
SELECT is(
    (
        SELECT d.dependents #> '{0,jobs}' FROM pgimport._dependents(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'true')
            ) AS d
    ), jsonb_build_array(:'second', :'first'), 'the jobs are named, newest first'
);
SELECT is(
    (
        SELECT d.dependents #> '{0,jobs}' FROM pgimport._dependents(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'id = 2')
            ) AS d
    ), jsonb_build_array(:'first'), 'only those whose rows refer to the rows in question'
);
SELECT is(
    (
        SELECT array_agg(k ORDER BY k) FROM pgimport._dependents(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'true')
            ) AS d, jsonb_object_keys(d.dependents -> 0) AS k
    ),
    '{by_jobs,by_others,constraint,count,depth,jobs,on_delete,table}',
    'an element has these keys and no other'
);

-- what only looks like a job's
UPDATE pgimport_test.appointment SET import_job_id = gen_random_uuid()
WHERE id = 14;
UPDATE pgimport_test.appointment SET import_job_id = :'clients'
WHERE id = 15;
SELECT is(
    pgimport_test.who('true'), 'appointment_client_fkey 5 3 2',
    'an id that is no job''s, or that of a job on another table, makes no row a job''s'
);
SELECT pgimport.rollback_job(:'second');
INSERT INTO pgimport_test.appointment (id, client_id, import_job_id) VALUES (16, 1, :'second');
SELECT is(
    pgimport_test.who('true'), 'appointment_client_fkey 5 2 3',
    'what a job left behind that was rolled back is people''s'
);

-- more than a hundred jobs
INSERT INTO pgimport_test.client VALUES (3, 'Cy');
SELECT count(pgimport_test.salon_job('appointment', ARRAY[format('%s,3', g.i)]))
FROM generate_series(1001, 1101) AS g (i);
SELECT is(
    pgimport_test.who('id = 3'), 'appointment_client_fkey 101 101 0', 'all jobs count'
);
SELECT is(
    (
        SELECT jsonb_array_length(d.dependents #> '{0,jobs}') FROM pgimport._dependents(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'id = 3')
            ) AS d
    ), 100, 'a hundred of them are named'
);
SELECT is(
    (
        SELECT format('%s %s', count(*), sum(d.rows)) FROM pgimport._dependent_jobs(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'id = 3')
            ) AS d
    ), '101 101', 'the list for rolling them back has all'
);

-- a table in which nobody imports, and one without the column
CREATE TABLE pgimport_test.visit (
    client_id integer CONSTRAINT visit_client_fkey REFERENCES pgimport_test.client,
    import_job_id uuid
);
INSERT INTO pgimport_test.visit VALUES (2, :'first');
CREATE TABLE pgimport_test.call (
    client_id integer CONSTRAINT call_client_fkey REFERENCES pgimport_test.client
);
INSERT INTO pgimport_test.call VALUES (2);
SELECT is(
    pgimport_test.who('id = 2'),
    'appointment_client_fkey 1 1 0; call_client_fkey 1 0 1; visit_client_fkey 1 0 1',
    'rows of tables that are no targets are people''s'
);
SELECT pgimport.drop_target('appointment');
SELECT is(
    pgimport_test.who('id = 2'),
    'appointment_client_fkey 1 1 0; call_client_fkey 1 0 1; visit_client_fkey 1 0 1',
    'those of a target that was dropped are its jobs'' still'
);

SELECT * FROM finish();
ROLLBACK;
