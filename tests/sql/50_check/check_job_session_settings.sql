BEGIN;
\ir ../setup.psql
SELECT plan(7);

CREATE TABLE pgimport_test.moments (
    code text PRIMARY KEY,
    day date,
    moment timestamptz,
    rough double precision
);
SELECT pgimport.register_target('pgimport_test.moments', 'moments', '{code}', '{}');

SET LOCAL timezone = 'Europe/Paris';
SELECT pgimport_test.new_job('{}', 'moments') AS paris \gset
SELECT pgimport_test.stage(
    :'paris', '{code,day,moment,rough}',
    '{"A,2026-02-01,2026-07-01 12:00,0.1","B,2026-03-01,2026-07-01 12:00+00,1e-300"}'
);

SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL extra_float_digits = -10;
SET LOCAL transform_null_equals = on;
SELECT pgimport_test.pick(pgimport.check_job(:'paris'), 'clean_count') AS tokyo \gset
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL timezone = 'UTC';
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'paris'), 'clean_count'), :'tokyo',
    'a check in sessions of other settings finds the same'
);
SET LOCAL datestyle = 'German';
SET LOCAL timezone = 'America/Lima';
SELECT pgimport.insert_job(:'paris') AS inserted \gset
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL timezone = 'UTC';
SELECT is(
    (
        SELECT format('%s %s', m.day, m.moment) FROM pgimport_test.moments AS m
        WHERE m.code = 'A'
    ),
    '2026-02-01 2026-07-01 10:00:00+00',
    'times without a zone are those of the session that made the job, in every later session'
);
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL extra_float_digits = -10;
SELECT pgimport.verify_job(:'paris') AS verified \gset
SELECT is(
    pgimport_test.pick(:'verified', 'verified'), 'verified=true',
    'a job is verified in a session of other settings'
);
SELECT is(
    :'verified'::jsonb ->> 'checksum_staged', :'verified'::jsonb ->> 'checksum_target',
    'the checksum does not depend on the settings of the session'
);
SELECT is(
    concat_ws(
        '|', current_setting('datestyle'), current_setting('timezone'),
        current_setting('extra_float_digits'), current_setting('transform_null_equals')
    ),
    'SQL, DMY|Asia/Tokyo|-10|on', 'and the session''s own settings are as before'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'paris'), 'delete', 'modified'),
    'delete=2 modified=0', 'a plan in such a session finds the rows untouched'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'paris'), 'rows_deleted'), 'rows_deleted=2',
    'and the rollback deletes them'
);

SELECT * FROM finish();
ROLLBACK;
