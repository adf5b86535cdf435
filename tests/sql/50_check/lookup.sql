-- Values found by another table's column: rule "lookup".
BEGIN;
\ir ../setup.psql
SELECT plan(36);

CREATE TABLE pgimport_test.client (
    id bigint PRIMARY KEY, email text, code char(6), tax integer, born date
);
INSERT INTO pgimport_test.client (id, email, code, tax, born) VALUES
(1, 'ann@x.fr', 'A1', 10, '2000-01-02'), (2, ' Bob@x.fr ', 'B2', 20, NULL),
(3, 'twin@x.fr', 'C3', 30, NULL), (4, 'twin@x.fr', 'D4', 40, NULL),
(5, NULL, 'E5', 50, NULL), (6, 'none@x.fr', 'F6', NULL, NULL);
CREATE TABLE pgimport_test.visit (
    ext text PRIMARY KEY, client_id bigint REFERENCES pgimport_test.client (id), tax text,
    note text, import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.visit', 'visit', '{ext}');
SELECT is(
    pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
        "match": "email", "value": "id"}}') ->> 'success', 'true', 'a lookup is a rule of a column'
);

SELECT pgimport_test.new_job('{}', 'visit') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,client_id,note}', ARRAY[
        '1,ann@x.fr,a', '2,  ann@x.fr ,b', '3,Bob@x.fr,c', '4,bob@x.fr,d', '5,twin@x.fr,e',
        '6,nobody@x.fr,f', '7,,g', '8,1,h', '9,' || repeat('x', 9000) || ',i'
    ]
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'total_rows', 'clean_count', 'invalid_rows'),
    'total_rows=9 clean_count=4 invalid_rows=5', 'every row is looked up'
);
SELECT results_eq(
    format(
        'SELECT i.row_no, i.column_name, i.code, left(i.value, 12), left(i.message, 40) '
        'FROM pgimport.issue_report(%L) AS i ORDER BY i.row_no', :'job'
    ),
    $$VALUES
    (4::bigint, 'client_id', 'not_found', 'bob@x.fr', '"bob@x.fr" is not found'),
    (5, 'client_id', 'ambiguous_reference', 'twin@x.fr', '"twin@x.fr" stands for several values'),
    (6, 'client_id', 'not_found', 'nobody@x.fr', '"nobody@x.fr" is not found'),
    (8, 'client_id', 'not_found', '1', '"1" is not found'),
    (9, 'client_id', 'not_found', 'xxxxxxxxxxxx', '"' || repeat('x', 39))$$,
    'a text without a match is an issue, and so is one with several; capitals count'
);
SELECT is(
    pgimport_test.pick(pgimport.preview_job(:'job', 1), 'rows.0.values.client_id'),
    'rows.0.values.client_id=1', 'the preview shows what was found'
);
SELECT is(pgimport.insert_job(:'job') ->> 'rows_inserted', '4', 'the others are inserted');
SELECT results_eq(
    'SELECT v.ext, v.client_id FROM pgimport_test.visit AS v ORDER BY v.ext',
    $$VALUES ('1', 1::bigint), ('2', 1), ('3', 2), ('7', NULL)$$,
    'with what was found; blanks around a text do not matter, nothing stays nothing'
);
SELECT is(pgimport.verify_job(:'job') ->> 'verified', 'true', 'and verified');
SELECT is(
    (
        SELECT r.data ->> 'client_id' FROM pgimport.row_report(:'job') AS r
        WHERE r.row_no = 1
    ), 'ann@x.fr', 'the report shows the text of the file'
);
SELECT ok(
    to_regclass(format('pgimport_staging.job_%s_lookup', replace(:'job', '-', ''))) IS NOT NULL,
    'what was found stays for the view of the rows'
);
SELECT pgimport.rollback_job(:'job');
SELECT pgimport.clear_staging(:'job');
SELECT is_empty(
    format(
        'SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.relname LIKE ''job_%s%%'' '
        -- what proves rows untouched stays for later plans, and the counter with it
        'AND c.relname !~ ''_(print|count)$''',
        replace(:'job', '-', '')
    ),
    'and goes with the staging'
);

-- capitals
SELECT pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
    "match": "email", "value": "id", "ignore_case": true}, "required": true}');
SELECT pgimport_test.new_job('{}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,client_id}', '{"1,BOB@X.FR","2,Ann@x.fr","3,","4,no"}');
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count', 'errors.0.code', 'errors.1.code'),
    'clean_count=2 errors.0.code=not_found errors.1.code=required',
    'capitals do not matter if the rule says so; a required one must be there'
);

-- the looked-up table changes: a new check, a new answer
INSERT INTO pgimport_test.client (id, email) VALUES (7, 'no');
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '3', 'a check looks everything up anew'
);

-- other types, defaults, null values, parts
SELECT pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
    "match": "code", "value": "id"}, "default": "1", "null_values": ["-"]}');
SELECT pgimport.set_column('visit', 'tax', '{"lookup": {"table": "pgimport_test.client",
    "match": "email", "value": "tax"}}');
SELECT pgimport_test.new_job('{"mapping": {
    "a": {"column": "client_id", "part": 1}, "b": {"column": "client_id", "part": 2, "separator": ""}
}}', 'visit') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{ext,a,b,tax}',
    '{"1,B,2,ann@x.fr","2,,-,","3,A1,,none@x.fr","4,Z,9,twin@x.fr","5,,C3,"}'
);
SELECT pgimport.check_job(:'job');
SELECT results_eq(
    format(
        'SELECT i.row_no, i.column_name, i.code FROM pgimport.issue_report(%L) AS i '
        'ORDER BY i.row_no, i.column_name', :'job'
    ),
    $$VALUES (3::bigint, 'tax', 'not_found'), (4, 'client_id', 'not_found'),
    (4, 'tax', 'ambiguous_reference')$$,
    'a match whose value is null is none; what is not found does not become the default'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT v.ext, v.client_id, v.tax FROM pgimport_test.visit AS v ORDER BY v.ext',
    $$VALUES ('1', 2::bigint, '10'), ('2', 1, NULL), ('5', 3, NULL)$$,
    'joined fields are looked up as one; what is missing takes the default'
);
SELECT pgimport.rollback_job(:'job');

-- several matches of one value are no question
INSERT INTO pgimport_test.client (id, email, tax) VALUES (8, 'ann@x.fr', 10);
SELECT pgimport_test.new_job('{}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,tax}', '{"1,ann@x.fr"}');
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '1',
    'a text found twice with the same value is found'
);
-- a quoted empty text of a text column
SELECT pgimport_test.new_job('{}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,tax}', '{"1,x"}');
SELECT format('UPDATE pgimport_staging.job_%s_f1 SET tax = ''''', replace(:'job', '-', '')) \gexec
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '1', 'an empty text is not looked up');

-- a constant is a value
SELECT pgimport_test.new_job('{"constants": {"client_id": 3}}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext}', '{"1"}');
SELECT is(pgimport.check_job(:'job') ->> 'clean_count', '1', 'a constant is not looked up');
SELECT pgimport.insert_job(:'job');
SELECT is((SELECT v.client_id FROM pgimport_test.visit AS v), 3::bigint, 'but written');
SELECT pgimport.rollback_job(:'job');

-- sensitive, French, durable
SELECT pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
    "match": "email", "value": "id"}, "sensitive": true}');
SELECT pgimport_test.new_job('{"durable": true}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,client_id}', '{"1,secret@x.fr","2,twin@x.fr"}');
SELECT set_config('pgimport.language', 'fr', true);
SELECT pgimport.check_job(:'job');
SELECT set_config('pgimport.language', 'en', true);
SELECT is(
    (
        SELECT count(*) FROM pgimport.issue_report(:'job') AS i
        WHERE concat(i.value, i.message) LIKE '%@x.fr%'
    ), 0::bigint, 'a sensitive text is not told'
);
SELECT results_eq(
    format('SELECT i.hint FROM pgimport.issue_report(%L) AS i ORDER BY i.row_no', :'job'),
    ARRAY[
        'Créez d''abord ce qui est désigné, ou corrigez la valeur.',
        'Désignez-le par une valeur qui n''existe qu''une fois.'
    ], 'messages are there in French'
);
SELECT is(
    (
        SELECT c.relpersistence::text FROM pg_catalog.pg_class AS c
        WHERE c.relname = format('job_%s_lookup', replace(:'job', '-', ''))
    ), 'p', 'a durable job looks up durably'
);

-- the table goes away
SELECT pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
    "match": "email", "value": "born"}}');
SELECT pgimport_test.new_job('{}', 'visit') AS job \gset
SELECT pgimport_test.stage(:'job', '{ext,client_id}', '{"1,ann@x.fr"}');
SELECT is(
    pgimport.check_job(:'job') -> 'errors' -> 0 ->> 'code', 'bad_integer',
    'what is found is judged as a value of the column'
);
ALTER TABLE pgimport_test.client RENAME COLUMN born TO birth;
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI211',
    'the values of column "client_id" cannot be looked up: '
    'pgimport_test.client has no column "born"', 'a column that is gone is told'
);
ALTER TABLE pgimport_test.visit DROP CONSTRAINT visit_client_id_fkey;
DROP TABLE pgimport_test.client;
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'job'), 'PI211', NULL, 'and so is a table'
);
CREATE TABLE pgimport_test.client (id bigint, email text, "odd ""name" text); -- noqa: RF05
CREATE VIEW pgimport_test.client_view AS SELECT c.id, c.email FROM pgimport_test.client AS c;
SELECT
    throws_ok(
        format(
            'SELECT pgimport.set_column(''visit'', ''note'', %L)',
            jsonb_build_object('lookup', w.rule::jsonb)
        ), w.code, NULL, w.why
    )
FROM (
    VALUES
    ('5', 'PI003', 'a lookup is an object'),
    ('{}', 'PI003', 'with a table'),
    ('{"table": "pgimport_test.client", "match": "email"}', 'PI003', 'and a value'),
    ('{"table": "pgimport_test.client", "match": "email", "value": 1}', 'PI003', 'named by texts'),
    (
        '{"table": "pgimport_test.client", "match": "email", "value": "id", "where": "true"}',
        'PI002', 'without SQL'
    ),
    (
        '{"table": "pgimport_test.client", "match": "email", "value": "id", "ignore_case": "yes"}',
        'PI003', 'ignore_case is true or false'
    ),
    ('{"table": "client", "match": "email", "value": "id"}', 'PI211', 'the schema is named'),
    ('{"table": "a.b.c", "match": "email", "value": "id"}', 'PI211', 'and only that'),
    (
        '{"table": "(select 1); --", "match": "email", "value": "id"}', 'PI211',
        'a query is no table'
    ),
    (
        '{"table": "pgimport_test.client", "match": "nope", "value": "id"}', 'PI211',
        'columns must be there'
    ),
    (
        '{"table": "pgimport_test.client_view", "match": "email", "value": "id"}', 'PI211',
        'a view may run its owner''s code'
    )
) AS w (rule, code, why);
SELECT lives_ok(
    $$SELECT pgimport.set_column('visit', 'note', '{"lookup": {"table": "pgimport_test.client",
        "match": "odd \"name", "value": "id"}}')$$, 'columns may be called anything'
);

SELECT * FROM finish();
ROLLBACK;
