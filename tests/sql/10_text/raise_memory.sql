BEGIN;
\ir ../setup.psql
SELECT plan(8);

SET LOCAL work_mem = '1MB';
SELECT is(pgimport._raise_memory(), '1MB', 'raising the memory of a step says what it was');
SELECT ok(
    pg_size_bytes(current_setting('work_mem')) > pg_size_bytes('1MB'), 'and raises it'
);

SET LOCAL work_mem = '1MB';
SELECT set_config('pgimport.work_mem', '2MB', true);
SELECT pgimport._raise_memory();
SELECT is(current_setting('work_mem'), '2MB', 'to pgimport.work_mem where that is set');

SELECT set_config('pgimport.work_mem', '900GB', true);
SELECT pgimport._raise_memory();
SELECT is(
    pg_size_bytes(current_setting('work_mem')),
    greatest(pg_size_bytes('2MB'), pg_size_bytes(current_setting('shared_buffers')) / 8),
    'but to no more than an eighth of shared_buffers'
);

SET LOCAL work_mem = '7GB';
SELECT pgimport._raise_memory();
SELECT is(current_setting('work_mem'), '7GB', 'and it never lowers it');

SELECT set_config('pgimport.work_mem', 'a lot', true);
SELECT throws_ok(
    'SELECT pgimport._raise_memory()', 'PI003', NULL, 'what is no size is refused'
);

-- a whole import leaves the setting of its transaction as it was
SELECT set_config('pgimport.work_mem', '', true);
SET LOCAL work_mem = '1MB';
SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A,B}') AS job \gset
SELECT is(current_setting('work_mem'), '1MB', 'an import leaves work_mem as it was');

-- a report runs after the function that words it
SELECT set_config('pgimport.work_mem', '2MB', true);
SELECT pgimport.report_copy_sql(:'job', 'duplicates');
SELECT is(current_setting('work_mem'), '2MB', 'but a report has it in its transaction');

SELECT * FROM finish();
ROLLBACK;
