-- A rehearsal inserts for real, and nothing of it remains.
BEGIN;
\ir ../setup.psql
SELECT plan(31);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'OLD');
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points}',
    array(
        SELECT concat_ws(',', pgimport_test.merchant(), r.code, r.points)
        FROM (VALUES ('A', '1'), ('B', '2'), ('A', '3'), ('OLD', '4'), ('C', 'x'))
                AS r (code, points)
    )
);
SELECT pgimport.check_job(:'job');

-- what there is before and after
CREATE FUNCTION pgimport_test.state(p_job_id uuid)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT concat_ws(
        '; ',
        (SELECT string_agg(c::text, ',' ORDER BY c.id) FROM pgimport_test.codes AS c),
        (
            SELECT j::text FROM pgimport.job AS j
            WHERE j.job_id = $1
        ),
        (SELECT count(*) FROM pgimport.job_write),
        (SELECT string_agg(c.relname, ',' ORDER BY c.relname) FROM pg_catalog.pg_class AS c),
        (
            SELECT string_agg(format('%s=%s', s.name, s.setting), ';' ORDER BY s.name)
            FROM pg_catalog.pg_settings AS s
            WHERE s.context IN ('user', 'superuser')
        )
    );
END;
SELECT pgimport_test.state(:'job') AS before \gset
SELECT pgimport.rehearse_job(:'job') AS answer \gset

SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'passed', 'rehearsed', 'would_insert', 'failed', 'sample'
    ),
    'success=true status=checked passed=true rehearsed=2 would_insert=2 failed=0 sample=1000',
    'the clean rows are rehearsed: no duplicates, no invalid ones'
);
SELECT is(:'answer'::jsonb -> 'failures', '[]'::jsonb, 'none of them fails');
SELECT is(
    :'answer'::jsonb ->> 'message',
    'rehearsed 2 clean rows: 2 would be inserted, none fails; nothing was written',
    'the message says that nothing was written'
);
SELECT is(
    pgimport_test.state(:'job'), :'before',
    'rows, job, staging and settings are as they were before'
);
SELECT is(
    (
        SELECT e.details FROM pgimport.job_event AS e
        WHERE e.job_id = :'job' AND e.event = 'rehearsed'
    ),
    '{"rehearsed": 2, "would_insert": 2, "would_update": 0, "failed": 0, '
    '"estimate": false}'::jsonb,
    'the log of the job tells of it'
);
SELECT is(
    :'answer'::jsonb -> 'sequences',
    '[{"sequence": "pgimport_test.codes_id_seq", "column": "id", "moved": 2}]'::jsonb,
    'the sequence whose numbers are gone is named'
);
SELECT matches(
    :'answer'::jsonb ->> 'warnings', 'not given back: pgimport_test.codes_id_seq by 2',
    'and a warning says so'
);
SELECT is(
    pgimport_test.pick(:'answer', 'details.dead_rows'), 'details.dead_rows=2',
    'as are the dead rows that VACUUM will find'
);
SELECT ok(
    (:'answer'::jsonb #> '{details,predicted_seconds}')::numeric >= 0,
    'what all rows would take is predicted'
);
SELECT is(
    (
        SELECT nextval('pgimport_test.codes_id_seq')
    ), 4::bigint, 'the sequence has moved as it says'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted', 'expected'),
    'status=completed rows_inserted=2 expected=2', 'a rehearsed job can be inserted'
);
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L)', :'job'), 'PI102', NULL,
    'and a completed one cannot be rehearsed'
);

-- all, or a sample
SELECT
    pgimport_test.checked_job(array(SELECT 'S' || i FROM generate_series(1, 50) AS i)) AS fifty
\gset
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'fifty', 20), 'rehearsed', 'sample', 'message'),
    'rehearsed=20 sample=20 message=rehearsed 20 of 50 clean rows: 20 would be inserted, '
    'none fails; nothing was written',
    'a sample has as many rows as are asked for'
);
SELECT
    is(
        pgimport_test.pick(pgimport.rehearse_job(:'fifty', n), 'rehearsed', 'sample'),
        'rehearsed=50 sample=null', format('p_sample %s is all rows', coalesce(n::text, 'null'))
    )
FROM unnest('{0,NULL}'::integer[]) AS n;
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'fifty', 1), 'rehearsed', 'passed'),
    'rehearsed=1 passed=true', 'one row is a sample, too'
);
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'fifty', 0, '{"estimate": true}'), 'sample'),
    'sample=1000', 'an estimate rehearses no more than a thousand rows'
);

-- none at all
SELECT pgimport_test.checked_job('{OLD}') AS nothing \gset
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'nothing'), 'passed', 'rehearsed', 'would_insert', 'failed'
    ), 'passed=true rehearsed=0 would_insert=0 failed=0', 'a job without clean rows passes'
);

-- limits of the job
SELECT pgimport_test.checked_job('{N,N}', '{"max_duplicate_ratio": 0}') AS refused \gset
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'refused'), 'passed', 'would_insert', 'refused_because.code'
    ), 'passed=false would_insert=1 refused_because.code=PI403',
    'a job over its limits is rehearsed, and does not pass'
);

-- what came after the check
SELECT pgimport_test.checked_job('{X,Y}') AS raced \gset
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'Y');
SELECT is(
    pgimport_test.pick(
        pgimport.rehearse_job(:'raced'), 'passed', 'rehearsed', 'warnings'
    ),
    'passed=true rehearsed=1 warnings=["1 duplicate came into the target after the check, '
    'skipped here", "numbers taken from sequences are not given back: '
    'pgimport_test.codes_id_seq by 1"]',
    'a duplicate that came since is left out, as the insert leaves it out'
);
SELECT is(
    (
        SELECT j.clean_rows FROM pgimport.job AS j
        WHERE j.job_id = :'raced'
    ), 2::bigint,
    'and the counts of the job stay those of its check'
);

-- arguments
SELECT throws_ok('SELECT pgimport.rehearse_job(NULL)', 'PI001', NULL, 'a job must be given');
SELECT throws_ok(
    $$SELECT pgimport.rehearse_job('00000000-0000-0000-0000-000000000000')$$,
    'PI101', NULL, 'and exist'
);
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L, -1)', :'fifty'), 'PI003', NULL,
    'a sample of less than nothing is refused'
);
SELECT throws_ok(
    format($$SELECT pgimport.rehearse_job(%L, 5, '{"all": true}')$$, :'fifty'),
    'PI002', NULL, 'an unknown option is refused'
);
SELECT throws_ok(
    format($$SELECT pgimport.rehearse_job(%L, 5, '{"estimate": 1}')$$, :'fifty'),
    'PI003', NULL, 'a wrong value of an option is refused'
);
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L)', pgimport_test.new_job()), 'PI102', NULL,
    'a job that is not checked is not rehearsed'
);
SELECT pgimport.set_column('codes', 'code', '{"null_values": ["S1"]}');
SELECT throws_ok(
    format('SELECT pgimport.rehearse_job(%L)', :'fifty'), 'PI102', NULL,
    'nor one that was checked under other rules'
);
SELECT pgimport.set_column('codes', 'code', '{}');
SELECT pgimport.check_job(:'fifty');

-- sequences in general
CREATE SEQUENCE pgimport_test.tickets INCREMENT 5;
CREATE SEQUENCE pgimport_test.unused;
ALTER TABLE pgimport_test.codes ADD ticket bigint DEFAULT nextval('pgimport_test.tickets');
SELECT pgimport.check_job(:'fifty');
SELECT is(
    (
        SELECT
            string_agg(
                format('%s %s %s', s ->> 'sequence', s ->> 'column', s ->> 'moved'), '; '
                ORDER BY s ->> 'sequence'
            )
        FROM jsonb_array_elements(pgimport.rehearse_job(:'fifty', 0) -> 'sequences') AS s
    ),
    'pgimport_test.codes_id_seq id 50; pgimport_test.tickets ticket 50',
    'sequences of defaults are named, by how many steps they moved; others that did not are not'
);

-- staging that a crash emptied
SELECT pgimport_test.checked_job('{L}') AS lost \gset
SELECT format('pgimport_staging.job_%s_f1', replace(:'lost', '-', '')) AS lost_table \gset
SELECT format('TRUNCATE %s', :'lost_table') AS statement \gexec
SELECT is(
    pgimport_test.pick(pgimport.rehearse_job(:'lost'), 'success', 'code', 'status', 'passed'),
    'success=false code=PI306 status=staging_lost passed=false',
    'lost rows are noticed'
);
SELECT is(
    (
        SELECT j.status FROM pgimport.job AS j
        WHERE j.job_id = :'lost'
    ), 'staging_lost',
    'and the job says so from then on'
);

SELECT * FROM finish();
ROLLBACK;
