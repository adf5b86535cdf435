-- Values are looked up with the rights of whoever checks, in tables that nobody has put code into.
BEGIN;
\ir ../setup.psql
SELECT plan(8);
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir ../90_admin/roles.psql
CREATE TABLE pgimport_test.client (id integer PRIMARY KEY, email text, seen_by text);
INSERT INTO pgimport_test.client VALUES
(1, 'a@x', 'pgimport_test_ann'), (2, 'b@x', 'pgimport_test_bob');
ALTER TABLE pgimport_test.client ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON pgimport_test.client USING (seen_by = current_user);
GRANT SELECT ON pgimport_test.client TO pgimport_test_ann;
CREATE TABLE pgimport_test.visit (ext text PRIMARY KEY, client_id integer, import_job_id uuid);
GRANT SELECT, INSERT, DELETE ON pgimport_test.visit TO pgimport_test_ann, pgimport_test_bob;
SELECT pgimport.register_target('pgimport_test.visit', 'visit', '{ext}');
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', $$SELECT pgimport.set_column('visit',
        'client_id', '{"lookup": {"table": "pgimport_test.client", "match": "email",
        "value": "id"}}')$$),
    '42501', 'who may not read a table does not name it in a rule'
);
SELECT pgimport.set_column('visit', 'client_id', '{"lookup": {"table": "pgimport_test.client",
    "match": "email", "value": "id"}}');

CREATE FUNCTION pgimport_test.new_visits()
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $new_visits$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{}', 'visit');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{ext,client_id}', '{"1,a@x","2,b@x","3,"}');
    RETURN v_job_id;
END;
$new_visits$;
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', 'SELECT pgimport_test.new_visits()'
) AS job \gset
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_ann', format('SELECT pgimport.check_job(%L) ->> ''message''', :'job')
    ),
    '2 of 3 rows clean: 1 invalid, 0 duplicates',
    'a row that the importer may not see is not found'
);
SELECT pgimport_test.answer_as(
    'pgimport_test_bob', 'SELECT pgimport_test.new_visits()'
) AS other \gset
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_bob', format('SELECT pgimport.check_job(%L)', :'other')
    ), '42501', 'a table that he may not read looks nothing up'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'message', '3 of 3 rows clean: 0 invalid, 0 duplicates',
    'somebody else who may checks with what he sees'
);
SELECT is(
    (
        SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c
        WHERE c.relname = format('job_%s_lookup', replace(:'job', '-', ''))
    ), 'pgimport_test_ann', 'what was found stays the importer''s'
);

-- what its owner puts into it does not run with the rights of others
CREATE FUNCTION pgimport_test.spy(p_text text)
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN p_text;
SET LOCAL ROLE pgimport_test_ann;
SELECT format(
    'CREATE INDEX ON pgimport_staging.job_%s_lookup (pgimport_test.spy(value))',
    replace(:'job', '-', '')
) \gexec
RESET ROLE;
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'an index with code of its own is refused'
);
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', format('SELECT pgimport.check_job(%L)', :'job')
);
SELECT is(
    pgimport.insert_job(:'job') ->> 'rows_inserted', '2', 'one that pgimport made is not'
);
SELECT is(
    (
        SELECT count(*) FROM jsonb_array_elements(pgimport.verify_install() -> 'checks') AS c
        WHERE NOT (c -> 'ok')::boolean
    ), 0::bigint, 'and belongs to a job'
);
\else
SELECT skip('roles are made by a superuser', 8);
\endif

SELECT * FROM finish();
ROLLBACK;
