BEGIN;
\ir ../setup.psql
\ir ../40_stage/fix_setup.psql
SELECT plan(20);

CREATE TABLE pgimport_test.visits (
    person varchar(20), day date, amount numeric, import_job_id uuid
);
SELECT pgimport.register_target(
    'pgimport_test.visits', 'visits', '{person,day}', '{"on_duplicate": "create"}'
);

-- a checked job with one file of these lines
CREATE FUNCTION pgimport_test.visits_job(
    p_options jsonb, p_header text[], VARIADIC p_lines text[]
)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options, 'visits');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    PERFORM pgimport.check_job(v_job_id);
    RETURN v_job_id;
END;
$$;

SELECT pgimport_test.visits_job(
    '{}', '{person,day,amount}', 'ann,2026-01-01,5', 'bob,2026-01-02,6'
) AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'warnings'),
    'success=true rows_inserted=2 warnings=[]', 'rows are imported a first time'
);

-- the same rows in another order, in columns of another order, otherwise spelt
SELECT pgimport_test.visits_job(
    '{}', '{amount,person,day}', '6, bob ,20260102', '5,ann,2026-01-01'
) AS again \gset
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'again'), 'success', 'would_insert', 'refused_because.code',
        'refused_because.message', 'warnings'
    ),
    format(
        'success=true would_insert=0 refused_because.code=PI406 '
        'refused_because.message=the same rows were imported by job %1$s '
        'warnings=["the same rows were imported by job %1$s on %2$s"]',
        :'job', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    ),
    'the same rows again are told by the check, whatever the bytes of the file'
);
SELECT is(
    pgimport_test.pick(
        pgimport.preview_job(:'again'), 'would_insert', 'refused_because.code'
    ), 'would_insert=0 refused_because.code=PI406', 'by the preview'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'again', '{"dry_run": true}'), 'success', 'code', 'rows_inserted'
    ), 'success=false code=PI406 rows_inserted=0', 'by the dry run'
);
SELECT pgimport.insert_job(:'again') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'success', 'status', 'code', 'message', 'hint'),
    format(
        'success=false status=checked code=PI406 '
        'message=nothing was inserted: the same rows were imported by job %1$s '
        'hint=roll that job back: select pgimport.rollback_job(''%1$s''); or, if the rows are to '
        'be there twice, make the job with {"force": true}', :'job'
    ),
    'and refused by the insert, which says what to do'
);
SELECT is(
    (SELECT count(*) FROM pgimport_test.visits), 2::bigint, 'nothing was written twice'
);

-- what is not the same
SELECT
    is(
        pgimport.check_job(pgimport_test.visits_job(o.options, o.header, VARIADIC o.lines))
        -> 'refused_because', 'null'::jsonb, o.reason
    )
FROM (
    VALUES
    (
        '{}'::jsonb, '{person,day,amount}'::text[],
        '{"ann,2026-01-01,6","bob,2026-01-02,5"}'::text[],
        'values that changed places between rows are other rows'
    ),
    (
        '{}', '{person,day,amount}', '{"ann,2026-01-01,5","bob,2026-01-02,6","bob,2026-01-02,6"}',
        'as is one more of them'
    ),
    ('{}', '{person,day}', '{"ann,2026-01-01","bob,2026-01-02"}', 'or one column less'),
    (
        '{"tenant": "north"}', '{person,day,amount}',
        '{"ann,2026-01-01,5","bob,2026-01-02,6"}', 'another tenant has rows of its own'
    ),
    (
        '{"force": true}', '{person,day,amount}', '{"ann,2026-01-01,5","bob,2026-01-02,6"}',
        'and with force the same rows are imported again'
    )
) AS o (options, header, lines, reason);

-- invalid rows are no content, and a correction makes them so
SELECT pgimport_test.visits_job(
    '{}', '{person,day,amount}', 'bob,2026-01-02,6', 'ann,2026-01-01,5', 'cy,when,7'
) AS invalid \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'invalid'), 'success', 'code'),
    'success=false code=PI406', 'rows that are refused do not make the others new'
);
SELECT is(
    pgimport_test.pick(
        pgimport_test.fix(
            :'invalid', '{pgimport_row,day}',
            ARRAY[[pgimport_test.token(:'invalid', 1, 3), '2026-01-03']]
        ), 'success', 'rows_fixed', 'warnings'
    ), 'success=true rows_fixed=1 warnings=[]', 'a row that is corrected does'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'invalid'), 'success', 'rows_inserted'),
    'success=true rows_inserted=3', 'and all are inserted'
);

-- a corrected row can be one that is there, too
SELECT
    pgimport_test.visits_job('{}', '{person,day,amount}', 'ann,2026-01-01,5', 'bob,?,6')
        AS doubt
\gset
SELECT is(
    pgimport.check_job(:'doubt') -> 'refused_because', 'null'::jsonb, 'one row of two is not both'
);
SELECT ok(
    pgimport_test.fix(
        :'doubt', '{pgimport_row,day}', ARRAY[[pgimport_test.token(:'doubt', 1, 2), '2026-01-02']]
    ) ->> 'warnings' LIKE '["the same rows were imported by job%',
    'the second one makes them the same'
);

-- where the key keeps doubles out, it is said and nothing else
SELECT pgimport_test.codes_target();
SELECT pgimport_test.completed_job('{A,B}') AS codes_job \gset
SELECT pgimport_test.checked_job('{B,A}') AS codes_again \gset
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'codes_again'), 'refused_because', 'database_duplicates'
    ),
    'refused_because=null database_duplicates=2', 'a job that skips duplicates is not refused'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'codes_again'), 'success', 'rows_inserted', 'warnings'
    ),
    format(
        'success=true rows_inserted=0 warnings=["the same rows were imported by job %s on %s"]',
        :'codes_job',
        (
            SELECT to_char(j.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
            FROM pgimport.job AS j
            WHERE j.job_id = :'codes_job'
        )
    ), 'but says that the same rows were imported'
);

-- a rollback releases what was imported
SELECT pgimport.rollback_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'again'), 'success', 'rows_inserted', 'warnings'
    ), 'success=true rows_inserted=2 warnings=[]',
    'after a rollback the same rows can be imported at once'
);
SELECT is(
    (
        SELECT string_agg(concat_ws(' ', v.person, v.day, v.amount), ', ' ORDER BY v.person)
        FROM pgimport_test.visits AS v
        WHERE v.import_job_id = :'again'
    ), 'ann 2026-01-01 5, bob 2026-01-02 6', 'and are there'
);

SELECT * FROM finish();
ROLLBACK;
