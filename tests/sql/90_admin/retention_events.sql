-- What needs events and issues that retention has removed says so, and does not fail.
BEGIN;
\ir ../setup.psql

SELECT plan(14);

SELECT pgimport_test.codes_target() IS NOT NULL AS ready \gset
SELECT pgimport_test.completed_job('{A,B}') AS done_job \gset
-- an issue of a row, and the limit that it is over
SELECT pgimport_test.new_job('{"on_issue": "abort"}') AS open_job \gset
SELECT pgimport_test.stage(
    :'open_job', '{merchant_id,code,points}',
    ARRAY[format('%s,C,many', pgimport_test.merchant()), format('%s,D,1', pgimport_test.merchant())]
) AS file_no \gset
SELECT pgimport.check_job(:'open_job') AS checked \gset
SELECT pgimport.enable_retention('{"engine": "own", "events": "1 year"}') AS answer \gset

SELECT is(
    pgimport.get_job(:'done_job') -> 'warnings', '[]', 'as long as all is there, nothing is said'
);
SELECT is_empty(
    format('SELECT * FROM pgimport.job_events(%L) AS e WHERE e.event_id = 0', :'done_job'),
    'nor in the log'
);

-- two years later: what retention would have done by then
CREATE FUNCTION pgimport_test.drop_old(p_relation regclass)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $drop_old$
DECLARE
    v_part regclass;
BEGIN
    FOR v_part IN
        SELECT p.part FROM pgimport._partitions(p_relation) AS p WHERE p.from_at <= now()
    LOOP
        EXECUTE format('DROP TABLE %s', v_part);
    END LOOP;
END;
$drop_old$;
SELECT pgimport_test.drop_old('pgimport.job_event');
SELECT pgimport_test.drop_old('pgimport.issue');

SELECT matches(
    pgimport.get_job(:'done_job') #>> '{warnings,0}', 'events before .* were removed by retention',
    'get_job says that events are gone'
);
SELECT is(
    jsonb_array_length(pgimport.get_job(:'done_job') -> 'warnings'), 1,
    'and nothing of issues, where there were none'
);
SELECT is(
    (
        SELECT string_agg(concat_ws(' ', e.event, e.details ->> 'by'), ', ')
        FROM pgimport.job_events(:'done_job') AS e
    ),
    'events_removed retention', 'the log says so in its first row'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_install(true), 'success', 'message'),
    pgimport_test.pick(
        jsonb_build_object(
            'success', true,
            'message', format(
                'all %s checks hold', jsonb_array_length(pgimport.verify_install(true) -> 'checks')
            )
        ), 'success', 'message'
    ),
    'verify_install does not take it for damage'
);
SELECT matches(
    jsonb_path_query_first(
        pgimport.verify_install(), '$.checks[*] ? (@.invariant == "I4").message'
    ) #>> '{}',
    'of events before .*, what retention has left', 'and says what it could not look at'
);
SET LOCAL client_min_messages = error;
SELECT is_empty(
    format('SELECT * FROM pgimport.issue_report(%L)', :'open_job'), 'there are no issues to report'
);
SET LOCAL client_min_messages = warning;
SELECT matches(
    pgimport.report_copy_sql(:'open_job', 'issue_list') #>> '{warnings,1}',
    'issues found before .* were removed by retention', 'but the report says why'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'open_job'), 'success', 'code'),
    'success=false code=PI402', 'a job that is all or nothing is so without its issues, too'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'done_job'), 'eligible'), 'eligible=true',
    'a rollback is planned without a log'
);
SELECT is(
    pgimport_test.pick(pgimport.rollback_job(:'done_job'), 'success', 'rows_deleted'),
    'success=true rows_deleted=2', 'and done'
);
SELECT is(
    (
        SELECT string_agg(e.event, ' ' ORDER BY e.event_id) LIKE 'events_removed %status%'
        FROM pgimport.job_events(:'done_job') AS e
    ),
    true, 'what happens later is logged as ever'
);
SELECT is(
    pgimport.verify_install() ->> 'success', 'true', 'a log that goes on after the gap is right'
);
SELECT * FROM finish();
ROLLBACK;
