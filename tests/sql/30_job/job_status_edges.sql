-- The state machine on the table itself: every pair of states, by a direct UPDATE.
BEGIN;
\ir ../setup.psql
SELECT plan(29);
SELECT pgimport_test.codes_target();

CREATE FUNCTION pgimport_test.states()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
RETURN '{pending,staging,staged,checked,queued,inserting,completed,failed,cancelled,staging_lost,
    rolled_back}'::text[];

-- makes a job of a state and tries to move it to every other by UPDATE: the states it got to,
-- and the codes of the refusals
CREATE FUNCTION pgimport_test.moves(
    p_from text,
    OUT reached text[],
    OUT codes text[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $moves$
DECLARE
    v_job_id uuid;
    v_to text;
BEGIN
    reached := '{}';
    codes := '{}';
    FOREACH v_to IN ARRAY pgimport_test.states() LOOP
        CONTINUE WHEN v_to = p_from;
        INSERT INTO pgimport.job (job_id, target_id, status)
        SELECT gen_random_uuid(), t.target_id, p_from FROM pgimport.target AS t
        WHERE t.name = 'codes'
        RETURNING job_id INTO v_job_id;
        BEGIN
            UPDATE pgimport.job SET status = v_to WHERE job_id = v_job_id;
            reached := reached || v_to;
        EXCEPTION WHEN OTHERS THEN
            codes := codes || SQLSTATE::text;
        END;
    END LOOP;
    reached := ARRAY(SELECT r.state FROM unnest(reached) AS r (state) ORDER BY 1);
    codes := ARRAY(SELECT DISTINCT c.code FROM unnest(codes) AS c (code) ORDER BY 1);
END;
$moves$;

CREATE TEMPORARY TABLE edge AS
SELECT w.from_status, w.wanted::text[] AS wanted, m.reached, m.codes
FROM (
    VALUES
    ('pending', '{cancelled,staged,staging}'),
    ('staging', '{cancelled,failed,staged,staging_lost}'),
    ('staged', '{cancelled,checked,failed,queued,staging,staging_lost}'),
    (
        'checked',
        '{cancelled,completed,failed,inserting,queued,staged,staging,staging_lost}'
    ),
    ('queued', '{cancelled,checked,completed,failed,inserting,staged,staging_lost}'),
    ('inserting', '{completed,rolled_back}'),
    ('failed', '{cancelled,checked,queued,staged,staging,staging_lost}'),
    ('staging_lost', '{cancelled,staging}'),
    ('completed', '{rolled_back}'),
    ('cancelled', '{}'),
    ('rolled_back', '{checked,staged}')
) AS w (from_status, wanted)
CROSS JOIN LATERAL pgimport_test.moves(w.from_status) AS m;

SELECT is(e.reached, e.wanted, format('a %s job takes its allowed edges only', e.from_status))
FROM pg_temp.edge AS e
ORDER BY array_position(pgimport_test.states(), e.from_status);

SELECT is(
    (SELECT array_agg(DISTINCT c.code) FROM pg_temp.edge AS e, unnest(e.codes) AS c (code)),
    '{PI103}'::text[], 'every other edge is refused as such'
);

-- a superuser who tells triggers of his own to keep still
CREATE FUNCTION pgimport_test.as_replica(p_sql text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $as_replica$
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        -- who is no superuser cannot even try
        RETURN 'PI103 PI104';
    END IF;
    PERFORM set_config('session_replication_role', 'replica', true);
    BEGIN
        EXECUTE p_sql;
        PERFORM set_config('session_replication_role', 'origin', true);
        RETURN 'done';
    EXCEPTION WHEN OTHERS THEN
        PERFORM set_config('session_replication_role', 'origin', true);
        RETURN SQLSTATE;
    END;
END;
$as_replica$;
SELECT pgimport_test.new_job() AS job \gset
SELECT matches(
    pgimport_test.as_replica(
        format('UPDATE pgimport.job SET status = ''completed'' WHERE job_id = %L', :'job')
    ),
    'PI103', 'session_replication_role = replica opens no edge'
);
SELECT matches(pgimport_test.as_replica(w.statement), 'PI104', w.sentence)
FROM (
    VALUES
    (
        format('DELETE FROM pgimport.job WHERE job_id = %L', :'job'),
        'nor lets it a job be deleted'
    ),
    ('TRUNCATE pgimport.job CASCADE', 'or all of them'),
    (
        format('UPDATE pgimport.job_event SET actor = ''x'' WHERE job_id = %L', :'job'),
        'or an event be changed'
    ),
    (
        format('DELETE FROM pgimport.job_write WHERE job_id = %L', :'job'),
        'or a proof be deleted'
    )
) AS w (statement, sentence);
SELECT pgimport_test.as_replica(
    format('UPDATE pgimport.job SET status = ''cancelled'' WHERE job_id = %L', :'job')
) AS done \gset
SELECT is(
    (
        SELECT max(e.to_status) FROM pgimport.job_events(:'job') AS e
        WHERE e.event = 'status'
    ),
    CASE :'done' WHEN 'done' THEN 'cancelled' END, 'and an allowed step is logged there, too'
);

-- what else is for ever
SELECT pgimport_test.completed_job('{A}') AS job \gset
SELECT throws_ok(
    format('DELETE FROM pgimport.job WHERE job_id = %L', :'job'), 'PI104', NULL,
    'a job is not deleted'
);
SELECT throws_ok(
    'TRUNCATE pgimport.job CASCADE', 'PI104', NULL, 'nor are all of them'
);
SELECT throws_ok(
    format('UPDATE pgimport.job SET owner_role = ''other'' WHERE job_id = %L', :'job'),
    'PI104', NULL, 'the owner of a job is for ever'
);
SELECT throws_ok(
    format(
        'UPDATE pgimport.job SET created_at = created_at - interval ''1 day'' '
        'WHERE job_id = %L', :'job'
    ),
    'PI104', NULL, 'so is the time of its creation'
);
SELECT throws_ok(
    format('UPDATE pgimport.job SET job_id = gen_random_uuid() WHERE job_id = %L', :'job'),
    'PI104', NULL, 'and its id'
);
SELECT lives_ok(
    format('UPDATE pgimport.job SET actor = ''bob'' WHERE job_id = %L', :'job'),
    'an UPDATE that moves nothing passes'
);
SELECT throws_ok(
    format('UPDATE pgimport.job_event SET event = ''x'' WHERE job_id = %L', :'job'),
    'PI104', NULL, 'an event is not changed'
);
SELECT throws_ok(
    format('DELETE FROM pgimport.job_event WHERE job_id = %L', :'job'), 'PI104', NULL,
    'nor deleted'
);
SELECT throws_ok('TRUNCATE pgimport.job_event', 'PI104', NULL, 'nor are all events');
SELECT throws_ok(
    format('UPDATE pgimport.job_write SET rows_written = 0 WHERE job_id = %L', :'job'),
    'PI104', NULL, 'what proves rows untouched is not changed'
);
SELECT throws_ok(
    format('DELETE FROM pgimport.job_write WHERE job_id = %L', :'job'), 'PI104', NULL,
    'nor deleted'
);

SELECT * FROM finish();
ROLLBACK;
