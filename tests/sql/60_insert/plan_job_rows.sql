BEGIN;
\ir ../setup.psql
SELECT plan(6);

-- a table of 10,000 rows, as its statistics say
CREATE TABLE pgimport_test.big AS
SELECT g.n FROM generate_series(1, 10000) AS g (n);
ANALYZE pgimport_test.big;

SELECT is(
    pgimport._plan_job_rows(1000, 'pgimport_test.big'), 't.import_job_id = $1',
    'the rows of a job are found by its id'
);
SELECT is(current_setting('enable_seqscan'), 'on', 'as the planner likes');
SELECT isnt(
    pgimport._plan_job_rows(5000, 'pgimport_test.big'), 't.import_job_id = $1',
    'those of a job that is half of the table by a condition no index is thought of for'
);
SELECT is(current_setting('enable_seqscan'), 'on', 'with a scan of the table');
SELECT is(
    pgimport._plan_job_rows(10, 'pgimport_test.big'), 't.import_job_id = $1',
    'those of a job that is small beside it by its id'
);
SELECT is(current_setting('enable_seqscan'), 'off', 'and by the index, whatever it seems to cost');

SELECT * FROM finish();
ROLLBACK;
