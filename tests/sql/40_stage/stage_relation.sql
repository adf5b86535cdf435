BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

CREATE TABLE pgimport_test.incoming (
    "Order ""No" integer, -- noqa: RF05
    merchant uuid, code text, points integer, "when" timestamptz, gone text
);
ALTER TABLE pgimport_test.incoming DROP COLUMN gone;
INSERT INTO pgimport_test.incoming
VALUES
(2, pgimport_test.merchant(), 'B', 20, '2026-02-01 00:00:00+00'),
(1, pgimport_test.merchant(), 'A', NULL, '2026-01-01 12:00:00+00'),
(3, pgimport_test.merchant(), 'B', 30, NULL);

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_relation(
    :'job', 'pgimport_test.incoming',
    '{"mapping": {"merchant": "merchant_id", "when": "window_start", "Order \"No": null,
        "code": "code"}, "order_by": ["Order \"No"]}'
) AS answer \gset
SELECT bag_eq(
    format('SELECT jsonb_object_keys(%L)', :'answer'),
    '{counts,details,file_no,job_id,mapping,message,rows_staged,status,success,target,
        warnings}'::text[],
    'a staged relation answers with every documented key'
);
SELECT is(
    pgimport_test.pick(:'answer'::jsonb, 'success', 'status', 'file_no', 'rows_staged'),
    'success=true status=staged file_no=1 rows_staged=3', 'all its rows are staged as one file'
);
SELECT is(
    pgimport.get_job(:'job') -> 'files' -> 0 ->> 'file_name', 'pgimport_test.incoming',
    'which is called as the relation is'
);
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'valid', 'clean_count', 'internal_duplicates'
    ),
    'valid=true clean_count=2 internal_duplicates=1', 'and checked as a file is'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT code, points, window_start FROM pgimport_test.codes ORDER BY code',
    $$VALUES ('A', NULL::integer, '2026-01-01 12:00:00+00'::timestamptz),
        ('B', 20, '2026-02-01 00:00:00+00')$$,
    'values arrive as they were; order_by says which row comes first'
);

-- a field mapped to nothing stays out
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_relation(
    :'job', 'pgimport_test.incoming', '{"mapping": {"points": null, "merchant": "merchant_id"}}'
) AS answer \gset
SELECT is(
    (
        SELECT m ->> 'column' FROM jsonb_array_elements(:'answer'::jsonb -> 'mapping') AS m
        WHERE m ->> 'header' = 'points'
    ),
    NULL, 'a column mapped to null stays out, though a column of the target is called like it'
);
SELECT is(
    pgimport.stage_relation(
        :'job', 'pgimport_test.incoming',
        '{"file_no": 1, "mapping": {"merchant": "merchant_id"}}'
    ) ->> 'file_no',
    '1', 'it can be staged again as the same file'
);
SELECT is(
    pgimport.get_job(:'job') -> 'counts' ->> 'files', '1', 'and is then one file'
);

-- other relations
CREATE VIEW pgimport_test.incoming_view AS
SELECT i.merchant AS merchant_id, i.code FROM pgimport_test.incoming AS i;
SELECT is(
    pgimport.stage_relation(pgimport_test.new_job(), 'pgimport_test.incoming_view')
    ->> 'rows_staged',
    '3', 'a view can be staged'
);
CREATE MATERIALIZED VIEW pgimport_test.incoming_copy AS
SELECT i.merchant AS merchant_id, i.code FROM pgimport_test.incoming AS i;
SELECT is(
    pgimport.stage_relation(pgimport_test.new_job(), 'pgimport_test.incoming_copy', NULL)
    ->> 'rows_staged',
    '3', 'so can a materialised view, without options'
);
CREATE TEMPORARY TABLE incoming_here (merchant_id uuid, code text);
SELECT is(
    pgimport.stage_relation(pgimport_test.new_job(), 'pg_temp.incoming_here') ->> 'rows_staged',
    '0', 'and a temporary table, an empty one too'
);

-- the session afterwards
SET search_path = pgimport_test, tap;
SET datestyle = 'SQL, DMY';
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_relation(
    :'job', 'pgimport_test.incoming',
    '{"mapping": {"merchant": "merchant_id", "when": "window_start"}}'
);
SELECT is(
    current_setting('search_path') || ' ' || current_setting('datestyle'),
    'pgimport_test, tap SQL, DMY', 'the session''s settings are as before'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'valid', 'true',
    'and its way to write dates does not reach the staged text'
);
RESET search_path;
RESET datestyle;

-- misuse
SELECT pgimport_test.new_job() AS job \gset
SELECT throws_ok(
    format('SELECT pgimport.stage_relation(%L, NULL)', :'job'), 'PI001', NULL,
    'a relation must be named'
);
SELECT throws_ok(
    $$SELECT pgimport.stage_relation(NULL, 'pgimport_test.incoming')$$, 'PI001', NULL,
    'and a job'
);
SELECT throws_ok(
    $$SELECT pgimport.stage_relation('00000000-0000-0000-0000-000000000000',
        'pgimport_test.incoming')$$,
    'PI101', NULL, 'one that is there'
);
SELECT
    throws_ok(
        format(
            'SELECT pgimport.stage_relation(%L, ''pgimport_test.incoming'', %L)', :'job', w.options
        ),
        w.code, NULL, w.description
    )
FROM (
    VALUES
    ('{"where": "true"}', 'PI002', 'an unknown option is refused'),
    ('{"order_by": "code"}', 'PI003', 'order_by is a list'),
    ('{"order_by": ["nope"]}', 'PI206', 'of columns that are there'),
    ('{"mapping": {"code": "nope"}}', 'PI206', 'a mapping names columns of the target'),
    ('{"mapping": {"code": "sku", "merchant": "sku"}}', 'PI207', 'each of them once')
) AS w (options, code, description);
SELECT is(
    pgimport.get_job(:'job') -> 'counts' ->> 'files', '0', 'a refused relation leaves no file'
);

SELECT * FROM finish();
ROLLBACK;
