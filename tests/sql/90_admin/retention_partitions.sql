-- Partitions by time: rows of times for which there is none, the server off for three months, rows
-- of times that cannot be, sessions in other time zones.
BEGIN;
\ir ../setup.psql

SELECT plan(19);

SELECT pgimport_test.codes_target() IS NOT NULL AS ready \gset
SELECT pgimport_test.completed_job('{A,B}') AS job \gset
CREATE FUNCTION pgimport_test.add_issue(p_job_id uuid, p_found_at timestamptz, p_code text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $add_issue$
BEGIN
    INSERT INTO pgimport.issue (job_id, file_no, code, message, found_at)
    VALUES (p_job_id, 1, p_code, 'x', p_found_at);
END;
$add_issue$;
CREATE FUNCTION pgimport_test.in_default()
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $in_default$
BEGIN
    RETURN (SELECT string_agg(i.code, ' ' ORDER BY i.code) FROM pgimport.issue_default AS i);
END;
$in_default$;
-- the bounds of all partitions, as far as they do not follow upon each other
CREATE FUNCTION pgimport_test.gaps(p_relation regclass)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $gaps$
BEGIN
    RETURN (
        SELECT string_agg(format('%s %s', g.to_at, g.next_at), ', ')
        FROM (
            SELECT p.to_at, lead(p.from_at) OVER (ORDER BY p.from_at) AS next_at
            FROM pgimport._partitions(p_relation) AS p
            WHERE NOT p.is_default
        ) AS g
        WHERE g.next_at <> g.to_at
    );
END;
$gaps$;

-- what there was before
SELECT pgimport_test.add_issue(:'job', now() - w.ago::interval, w.code)
FROM (
    VALUES ('20 years', 'ancient'), ('1 year', 'old'), ('10 days', 'young'), ('0', 'now'),
    ('-3 weeks', 'ahead'), ('-30 years', 'far')
) AS w (ago, code);
SELECT pgimport_test.add_issue(:'job', 'infinity', 'never');
SELECT pgimport_test.add_issue(:'job', '-infinity', 'always');
SET LOCAL timezone = 'America/New_York';
SELECT is(
    pgimport.enable_retention('{"engine": "own"}') ->> 'success', 'true',
    'retention is enabled whatever times there are'
);
SELECT is(
    pgimport_test.in_default(), 'always ancient far never',
    'what is of no possible time stays in the default partition'
);
SELECT is(
    (SELECT count(*)::integer FROM pgimport.issue), 8, 'and nothing is lost'
);
SELECT is(current_setting('timezone'), 'America/New_York', 'the time zone stays as it is');
SET LOCAL timezone = 'Asia/Kolkata';
SELECT is(
    pgimport.enable_retention('{"premake": 9}') #>> '{tables,0,rows_moved}', '0',
    'in another time zone nothing is cut anew'
);
SET LOCAL timezone = 'Europe/Paris';
SELECT is(
    pgimport_test.gaps('pgimport.job_event'), NULL,
    'partitions made in many time zones follow upon each other'
);
SELECT ok(
    (
        SELECT bool_and(p.to_at - p.from_at = interval '168 hours')
        FROM pgimport._partitions('pgimport.issue') AS p
        WHERE NOT p.is_default
    ),
    'each a week, also where the clocks are changed'
);

-- a dry run says what would go of the default partition, too; the run does it
SELECT pgimport.run_maintenance() AS answer \gset
SELECT is(
    pgimport_test.in_default(), 'far never',
    'of what is of no possible time, only what is too old goes'
);
SELECT is(
    (SELECT string_agg(i.code, ' ' ORDER BY i.code) FROM pgimport.issue AS i),
    'ahead far never now young', 'with all that is too old'
);

-- the server was off, and wakes up after the last partition
CREATE FUNCTION pgimport_test.drop_new(p_relation regclass)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $drop_new$
DECLARE
    v_part regclass;
BEGIN
    FOR v_part IN
        SELECT p.part FROM pgimport._partitions(p_relation) AS p
        WHERE p.to_at > now() - interval '7 days'
    LOOP
        EXECUTE format('DROP TABLE %s', v_part);
    END LOOP;
END;
$drop_new$;
SELECT pgimport_test.drop_new('pgimport.issue');
SELECT pgimport_test.drop_new('pgimport.job_event');
SELECT pgimport_test.add_issue(:'job', now() - g * interval '1 day', format('after%s', g))
FROM generate_series(0, 6) AS g;
SELECT pgimport_test.completed_job('{C}') AS next_job \gset
SELECT is(
    pgimport_test.in_default(),
    'after0 after1 after2 after3 after4 after5 after6 far never',
    'without a partition of its time a row goes into the default one'
);
SELECT count(*) AS events FROM pgimport.job_event \gset
SELECT pgimport.run_maintenance() ->> 'success' AS success \gset
SELECT is(
    pgimport_test.in_default(), 'far never', 'the next maintenance puts it where it belongs'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.issue AS i
        WHERE i.code LIKE 'after%'
    ), 7,
    'nothing is lost by that'
);
SELECT is((SELECT count(*)::integer FROM pgimport.job_event), :events, 'events as little');
SELECT is(
    (SELECT count(*)::integer FROM pgimport.job_event_default), 0, 'though they are append-only'
);
SELECT is(
    (
        SELECT string_agg(e.to_status, ' ' ORDER BY e.event_id)
        FROM pgimport.job_events(:'next_job') AS e
        WHERE e.event = 'status'
    ),
    'staging staged checked completed', 'the log of a job is as it was'
);
SELECT is(
    pgimport_test.gaps('pgimport.issue'), NULL, 'there is no gap between partitions'
);

-- numbers go on
SELECT pgimport_test.add_issue(:'job', now(), 'last');
SELECT is(
    (
        SELECT i.code FROM pgimport.issue AS i
        ORDER BY i.issue_id DESC
        LIMIT 1
    ),
    'last', 'rows that come later have later numbers'
);

-- other lengths
SELECT pgimport.enable_retention('{"issues": "2 days"}') ->> 'success' AS success \gset
SELECT is(
    (
        SELECT string_agg(DISTINCT (p.to_at - p.from_at)::text, ' ')
        FROM pgimport._partitions('pgimport.issue') AS p
        WHERE NOT p.is_default
    ),
    '1 day', 'for a short time partitions are made short'
);
SELECT pgimport.enable_retention('{"issues": null, "events": "1 month"}') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'tables.0.partition_length', 'tables.1.partition_length'),
    'tables.0.partition_length=2184:00:00 tables.1.partition_length=168:00:00',
    'and long for ever'
);
SELECT * FROM finish();
ROLLBACK;
