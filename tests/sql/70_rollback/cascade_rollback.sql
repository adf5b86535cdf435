BEGIN;
\ir ../setup.psql
\ir salon.psql
\ir doomed.psql
SELECT plan(29);

SELECT pgimport_test.salon_targets();
INSERT INTO pgimport_test.client VALUES (9, 'Zoe');
SELECT pgimport_test.salon_job('client', '{"1,Ann","2,Bob"}') AS clients \gset
SELECT pgimport_test.salon_job('appointment', '{"11,1","12,2","13,9"}') AS appointments \gset
SELECT pgimport_test.salon_job('note', '{"21,11","22,13"}') AS notes \gset

CREATE FUNCTION pgimport_test.answer(p_answer jsonb)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        pgimport_test.pick(p_answer, 'success', 'rows_deleted', 'rows_cascaded')
        || coalesce(' ' || (p_answer ->> 'code'), '');
END;

SELECT 'SAVEPOINT imported' AS statement \gexec

-- refused without it
SELECT pgimport.rollback_job(:'clients') AS refused \gset
SELECT is(
    pgimport_test.answer(:'refused'), 'success=false rows_deleted=0 rows_cascaded=0 PI504',
    'dependents stop a rollback'
);
SELECT is(
    pgimport_test.shown(
        :'refused'::jsonb #> '{details,plan,dependents}', 'table', 'count', 'by_jobs', 'depth'
    ), 'appointment 2 2 1', 'the plan names those that refer directly'
);
SELECT
    is(
        pgimport_test.answer(pgimport.rollback_job(:'clients', m)),
        'success=false rows_deleted=0 rows_cascaded=0 PI504', format('they stop mode %s', m)
    )
FROM unnest('{keep_modified,force}'::text[]) AS m;

-- the plan of a cascade
SELECT pgimport.plan_rollback(:'clients', 'cascade') AS plan \gset
SELECT is(
    pgimport_test.shown(
        :'plan'::jsonb -> 'dependents', 'table', 'count', 'by_jobs', 'by_others', 'depth'
    ), 'appointment 2 2 0 1; note 1 1 0 2', 'a plan for cascade names those of any depth'
);
SELECT is(
    (
        SELECT
            string_agg(
                format('%s %s', l.value ->> 'target', l.value ->> 'why'), '; ' ORDER BY l.place
            )
        FROM jsonb_array_elements(:'plan'::jsonb -> 'later_jobs')
            WITH ORDINALITY AS l (value, place)
    ), 'note dependents; appointment dependents', 'and the jobs that inserted them, newest first'
);

-- dependents of jobs alone
SELECT pgimport.rollback_job(:'clients', 'cascade') AS done \gset
SELECT is(
    pgimport_test.answer(:'done'), 'success=true rows_deleted=2 rows_cascaded=3',
    'cascade deletes what jobs inserted'
);
SELECT is(pgimport_test.salon(), '9 | 13 | 22', 'and nothing else');
SELECT is(
    (
        SELECT string_agg(concat_ws(' ', t.name, e.details ->> 'rows'), '; ' ORDER BY t.name)
        FROM pgimport.job_event AS e
        INNER JOIN pgimport.job AS j ON e.job_id = j.job_id
        INNER JOIN pgimport.target AS t ON j.target_id = t.target_id
        WHERE e.event = 'rows_cascaded' AND e.details ->> 'by_job' = :'clients'
    ), 'appointment 2; note 1', 'the log of the other jobs tells it'
);
SELECT is(
    (
        SELECT string_agg(j.status, ' ' ORDER BY j.completed_at) FROM pgimport.job AS j
        WHERE j.job_id IN (:'clients', :'appointments', :'notes')
    ), 'rolled_back completed completed', 'they stay completed'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'appointments'), 'verified', 'expected_count', 'actual_count'
    ), 'verified=false expected_count=3 actual_count=1', 'and to verify them tells what is gone'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'appointments'), 'delete', 'already_gone'),
    'delete=1 already_gone=2', 'so does a plan'
);
SELECT is(
    pgimport_test.answer(pgimport.rollback_job(:'notes')),
    'success=true rows_deleted=1 rows_cascaded=0', 'what is left of them can be rolled back'
);
SELECT is(
    pgimport_test.answer(pgimport.rollback_job(:'appointments')),
    'success=true rows_deleted=1 rows_cascaded=0', 'in any case'
);
SELECT is(pgimport_test.salon(), '9 | - | -', 'until the tables are as they were');
SELECT 'ROLLBACK TO SAVEPOINT imported' AS statement \gexec

-- people's rows
INSERT INTO pgimport_test.note (id, appointment_id) VALUES (29, 11);
SELECT pgimport_test.salon() AS before \gset
SELECT pgimport.rollback_job(:'clients', 'cascade') AS refused \gset
SELECT is(
    pgimport_test.answer(:'refused'), 'success=false rows_deleted=0 rows_cascaded=0 PI504',
    'a row that people added, however far away, stops a cascade'
);
SELECT matches(
    :'refused'::jsonb ->> 'message', '1 row that people added', 'the message says how many'
);
SELECT is(pgimport_test.salon(), :'before', 'and nothing was deleted');
SELECT is(
    pgimport_test.answer(
        pgimport.rollback_job(:'clients', 'cascade', p_options => '{"force": true}')
    ), 'success=true rows_deleted=2 rows_cascaded=4', 'with the option force it goes, too'
);
SELECT is(pgimport_test.salon(), '9 | 13 | 22', 'and nothing that does not depend');
SELECT 'ROLLBACK TO SAVEPOINT imported' AS statement \gexec

-- in two ways
ALTER TABLE pgimport_test.note
ADD COLUMN client_id integer CONSTRAINT note_client_fkey REFERENCES pgimport_test.client;
INSERT INTO pgimport_test.note (id, appointment_id, client_id) VALUES (29, 11, 2);
SELECT is(
    pgimport_test.answer(
        pgimport.rollback_job(:'clients', 'cascade', p_options => '{"force": true}')
    ), 'success=true rows_deleted=2 rows_cascaded=4', 'a row that depends in two ways counts once'
);
SELECT 'ROLLBACK TO SAVEPOINT imported' AS statement \gexec

-- a row that the database would change
CREATE TABLE pgimport_test.bill (
    client_id integer CONSTRAINT bill_fkey REFERENCES pgimport_test.client ON DELETE SET NULL
);
INSERT INTO pgimport_test.bill VALUES (1);
SELECT is(
    pgimport_test.answer(pgimport.rollback_job(:'clients')),
    'success=false rows_deleted=0 rows_cascaded=0 PI504',
    'a row that the database would set to null stops a rollback'
);
SELECT is(
    pgimport_test.answer(
        pgimport.rollback_job(:'clients', 'cascade', p_options => '{"force": true}')
    ), 'success=true rows_deleted=2 rows_cascaded=3', 'with cascade it is not deleted'
);
SELECT is(
    (SELECT format('%s %s', count(*), count(b.client_id)) FROM pgimport_test.bill AS b), '1 0',
    'but set to null'
);
SELECT 'ROLLBACK TO SAVEPOINT imported' AS statement \gexec

-- a trigger keeps a dependent whose key is not looked at
CREATE FUNCTION pgimport_test.keep()
RETURNS trigger
LANGUAGE plpgsql
AS $keep$
BEGIN
    UPDATE pgimport_test.note AS n SET appointment_id = NULL
    WHERE n.id = old.id;
    RETURN NULL;
END;
$keep$;
CREATE TRIGGER keep BEFORE DELETE ON pgimport_test.note
FOR EACH ROW EXECUTE FUNCTION pgimport_test.keep();
SELECT pgimport_test.salon() AS before \gset
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, ''cascade'')', :'clients'), 'PI505', NULL,
    'a dependent that a trigger keeps undoes all'
);
SELECT is(pgimport_test.salon(), :'before', 'so that nothing is lost');
SELECT 'ROLLBACK TO SAVEPOINT imported' AS statement \gexec

-- the jobs instead of their rows
SELECT is(
    (
        SELECT string_agg(format('%s %s', t.name, d.rows), '; ' ORDER BY d.place)
        FROM pgimport._dependent_jobs(
                'pgimport_test.client', pgimport_test.doomed('pgimport_test.client', 'id < 9')
            ) WITH ORDINALITY AS d (job_id, rows, place)
        INNER JOIN pgimport.job AS j ON d.job_id = j.job_id
        INNER JOIN pgimport.target AS t ON j.target_id = t.target_id
    ), 'note 1; appointment 2', 'jobs with dependents are those of any depth, newest first'
);
SELECT is(
    pgimport_test.answer(
        pgimport.rollback_job(:'clients', p_options => '{"with_later_jobs": true}')
    ), 'success=true rows_deleted=2 rows_cascaded=0',
    'with_later_jobs rolls them back, appointments before clients'
);
SELECT is(pgimport_test.salon(), '9 | - | -', 'all of their rows');

SELECT * FROM finish();
ROLLBACK;
