BEGIN;
\ir ../setup.psql
SELECT plan(17);

SELECT pgimport_test.codes_target();
SELECT pgimport_test.checked_job('{A}') AS a \gset
SELECT pgimport_test.checked_job('{B}') AS b \gset
SELECT pgimport_test.checked_job('{C}') AS c \gset
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport.list_queue()
    ), 0, 'nothing was submitted yet'
);
SELECT pgimport.submit_job(:'a');
SELECT pgimport.submit_job(:'b', '{"priority": 7}');
SELECT pgimport.submit_job(:'c');
SELECT pgimport.cancel_job(:'c');
SELECT pgimport.claim_job('w 1');

SELECT is(
    (
        SELECT string_agg(concat_ws(' ', q.state, q.status, q.worker), ', ')
        FROM pgimport.list_queue() AS q
    ), 'cancelled cancelled, running queued w 1, waiting queued', 'the last submitted comes first'
);
SELECT
    is(
        (
            SELECT count(*)::integer FROM pgimport.list_queue(f.filter::jsonb)
        ), f.rows, format('filter %s finds %s', f.filter, f.rows)
    )
FROM (
    VALUES
    (NULL, 3), ('{}', 3), ('null', 3), ('{"state": "waiting"}', 1),
    ('{"state": ["waiting", "cancelled"]}', 2), ('{"state": []}', 0), ('{"state": null}', 3),
    ('{"target": "codes"}', 3), ('{"target": "other"}', 0), ('{"worker": "w 1"}', 1)
) AS f (filter, rows);
SELECT is(
    (
        SELECT count(*)::integer
        FROM pgimport.list_queue('{}', (SELECT min(q.queue_no) FROM pgimport.list_queue() AS q), 1)
    ), 0, 'after the first there is none'
);
SELECT
    throws_ok(
        format('SELECT * FROM pgimport.list_queue(%s)', a.arguments), a.code, NULL,
        format('list_queue(%s) is refused', a.arguments)
    )
FROM (
    VALUES
    ('''{"state": "asleep"}''', 'PI003'), ('''{"owner": "me"}''', 'PI002'),
    ('''{}'', NULL, 0', 'PI003'), ('''{}'', NULL, NULL', 'PI003')
) AS a (arguments, code);

SELECT * FROM finish();
ROLLBACK;
