-- What is in the target already: old and new of each field that differs.
BEGIN;
\ir ../setup.psql
SELECT plan(13);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code, serial, sku, points, price, activated)
VALUES
(pgimport_test.merchant(), 'SAME', 's', 'SKU', 1, 1.5, false),
(pgimport_test.merchant(), 'OTHER', 's', 'SKU', 1, 1.5, true),
(pgimport_test.merchant(), 'NULLS', NULL, 'SKU', NULL, 1.5, false),
(pgimport_test.merchant(), 'GONE', 's', 'SKU', 1, 1.5, false);
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,serial,sku,points,price,activated}',
    ARRAY[
        pgimport_test.merchant() || ',SAME,s,SKU,01,1.50,no',
        pgimport_test.merchant() || ',OTHER,t,SKU,2,,',
        pgimport_test.merchant() || ',NULLS,s,,,1.5,no',
        pgimport_test.merchant() || ',GONE,s,SKU,1,1.5,no',
        pgimport_test.merchant() || ',NEW,s,SKU,1,1.5,no',
        pgimport_test.merchant() || ',OTHER,u,SKU,2,2.5,yes'
    ]
);
SELECT pgimport.check_job(:'job');
DELETE FROM pgimport_test.codes
WHERE code = 'GONE';

CREATE FUNCTION pgimport_test.changes(p_job_id uuid)
RETURNS TABLE (code text, changes jsonb)
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT r.item #>> '{values,code}' AS code, r.item -> 'changes' AS changes
    FROM jsonb_array_elements(pgimport.preview_job($1) -> 'rows')
        WITH ORDINALITY AS r (item, place)
    ORDER BY r.place;
END;
CREATE TABLE pgimport_test.seen AS
SELECT row_number() OVER () AS place, c.* FROM pgimport_test.changes(:'job') AS c;

SELECT is(
    (
        SELECT s.changes FROM pgimport_test.seen AS s
        WHERE s.place = 1
    ), '{}'::jsonb,
    'a row that is the same in the target changes nothing'
);
SELECT is(
    (
        SELECT s.changes FROM pgimport_test.seen AS s
        WHERE s.place = 2
    ),
    '{"serial": {"old": "s", "new": "t"}, "points": {"old": "1", "new": "2"},
      "price": {"old": "1.50", "new": null}, "activated": {"old": "true", "new": "false"}}'::jsonb,
    'what differs is shown with what it is and what it would be; a default counts as a value'
);
SELECT is(
    (
        SELECT s.changes FROM pgimport_test.seen AS s
        WHERE s.place = 3
    ),
    '{"serial": {"old": null, "new": "s"}, "sku": {"old": "SKU", "new": null}}'::jsonb,
    'a null differs from a value, and not from a null'
);
SELECT is(
    (
        SELECT s.changes FROM pgimport_test.seen AS s
        WHERE s.place = 4
    ), 'null'::jsonb,
    'a row that is gone from the target since has no changes'
);
SELECT is(
    (
        SELECT s.changes FROM pgimport_test.seen AS s
        WHERE s.place = 5
    ), 'null'::jsonb,
    'nor has one that is not there'
);
SELECT is(
    (
        SELECT s.changes #>> '{serial,new}' FROM pgimport_test.seen AS s
        WHERE s.place = 6
    ), 'u',
    'a row that repeats another one is compared, too'
);

-- keys are compared as the index compares them
CREATE EXTENSION IF NOT EXISTS citext SCHEMA pgimport_test;
SELECT
    format(
        'CREATE TABLE pgimport_test.people '
        '(email %I.citext UNIQUE, name varchar(8), doc json, spot point)', n.nspname
    )
FROM pg_catalog.pg_extension AS x
INNER JOIN pg_catalog.pg_namespace AS n ON x.extnamespace = n.oid
WHERE x.extname = 'citext' \gexec
INSERT INTO pgimport_test.people VALUES ('Ann@example.org', 'Ann', '{"a": 1}', '(1,2)');
SELECT pgimport.register_target('pgimport_test.people', 'people', '{email}', '{}');
SELECT pgimport_test.new_job('{}', 'people') AS people \gset
SELECT pgimport_test.stage(:'people', '{email,name,doc,spot}', ARRAY['ANN@EXAMPLE.ORG,Ann,[],']);
SELECT pgimport.check_job(:'people');
SELECT is(
    (SELECT c.changes FROM pgimport_test.changes(:'people') AS c),
    '{"doc": {"old": "{\"a\": 1}", "new": "[]"}, "spot": {"old": "(1,2)", "new": null}}'::jsonb,
    'the row is found by the index''s own operator; what has no equality is compared as text'
);

-- nulls that are not distinct
CREATE TABLE pgimport_test.loose (a text, b integer, c text, UNIQUE NULLS NOT DISTINCT (a, b));
INSERT INTO pgimport_test.loose VALUES ('x', NULL, 'old');
SELECT pgimport.register_target('pgimport_test.loose', 'loose', '{a,b}', '{}');
SELECT pgimport_test.new_job('{}', 'loose') AS loose \gset
SELECT pgimport_test.stage(:'loose', '{a,b,c}', '{"x,,new"}');
SELECT pgimport.check_job(:'loose');
SELECT is(
    (SELECT c.changes FROM pgimport_test.changes(:'loose') AS c),
    '{"c": {"old": "old", "new": "new"}}'::jsonb, 'a null of the key finds a null'
);

-- nothing but the key
SELECT pgimport_test.new_job('{}', 'people') AS bare \gset
SELECT pgimport_test.stage(:'bare', '{email}', '{ann@example.org}');
SELECT pgimport.check_job(:'bare');
SELECT is(
    (SELECT c.changes FROM pgimport_test.changes(:'bare') AS c), '{}'::jsonb,
    'files that hold nothing but the key change nothing'
);

-- what the caller may not see
CREATE TABLE pgimport_test.secured (code text UNIQUE, tenant text, points integer);
INSERT INTO pgimport_test.secured VALUES ('A', 'yours', 1), ('B', 'mine', 1);
SELECT pgimport.register_target('pgimport_test.secured', 'secured', '{code}', '{}');
SELECT pgimport_test.new_job('{}', 'secured') AS secured \gset
SELECT pgimport_test.stage(:'secured', '{code,tenant,points}', '{"A,mine,2","B,mine,2"}');
SELECT pgimport.check_job(:'secured');
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset
\if :is_superuser
SELECT skip('policies do not hold a superuser', 2);
\else
ALTER TABLE pgimport_test.secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgimport_test.secured FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON pgimport_test.secured USING (tenant = 'mine');
SELECT is(
    (SELECT array_agg(c.changes ORDER BY c.code) FROM pgimport_test.changes(:'secured') AS c),
    ARRAY['null', '{"points": {"old": "1", "new": "2"}}']::jsonb[],
    'a row that the policies hide is not shown'
);
ALTER TABLE pgimport_test.secured NO FORCE ROW LEVEL SECURITY;
REVOKE SELECT ON pgimport_test.secured FROM current_user;
GRANT SELECT (code, tenant) ON pgimport_test.secured TO current_user;
SELECT is(
    (SELECT array_agg(c.changes ORDER BY c.code) FROM pgimport_test.changes(:'secured') AS c),
    ARRAY['{"tenant": {"old": "yours", "new": "mine"}}', '{}']::jsonb[],
    'a column that the caller may not read is not compared'
);
GRANT SELECT ON pgimport_test.secured TO current_user;
\endif
REVOKE SELECT ON pgimport_test.secured FROM current_user;
\if :is_superuser
SELECT skip('rights do not hold a superuser', 2);
\else
SELECT is(
    (
        SELECT count(c.changes)::integer FROM pgimport_test.changes(:'secured') AS c
        WHERE c.changes <> 'null'
    ), 0,
    'without the right to read the key nothing of the table is shown'
);
SELECT matches(
    pgimport.preview_job(:'secured') ->> 'warnings', 'may not read the key',
    'and the answer says so'
);
\endif

SELECT * FROM finish();
ROLLBACK;
