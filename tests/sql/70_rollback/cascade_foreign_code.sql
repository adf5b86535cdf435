BEGIN;
\ir ../setup.psql
\ir salon.psql
SELECT plan(4);

SELECT pgimport_test.salon_targets();
SELECT pgimport_test.salon_job('client', '{"1,Ann","2,Bob"}') AS job \gset
INSERT INTO pgimport_test.appointment (id, client_id) VALUES (11, 1);
INSERT INTO pgimport_test.note (id, appointment_id) VALUES (21, 11);
CREATE FUNCTION pgimport_test.hear()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN old;
END;
$$;
CREATE TRIGGER hear BEFORE DELETE ON pgimport_test.note
FOR EACH ROW EXECUTE FUNCTION pgimport_test.hear();
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset

\if :is_superuser
CREATE ROLE pgimport_test_owner;
GRANT USAGE ON SCHEMA pgimport_test TO pgimport_test_owner;
ALTER TABLE pgimport_test.note OWNER TO pgimport_test_owner;
SELECT throws_ok(
    format(
        'SELECT pgimport.rollback_job(%L, ''cascade'', p_options => ''{"force": true}'')', :'job'
    ), 'PI602', NULL,
    'a superuser does not run the triggers of somebody else''s table when he deletes dependents'
);
SELECT is(pgimport_test.salon(), '1 2 | 11 | 21', 'nothing was deleted');
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(
            :'job', 'cascade', p_options => '{"force": true, "allow_superuser": true}'
        ), 'success', 'rows_deleted', 'rows_cascaded'
    ), 'success=true rows_deleted=2 rows_cascaded=2', 'unless that is allowed'
);
SELECT is(pgimport_test.salon(), '- | - | -', 'then all goes');
\else
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', 'cascade', p_options => '{"force": true}'), 'success',
        'rows_deleted', 'rows_cascaded'
    ), 'success=true rows_deleted=2 rows_cascaded=2',
    'a plain role runs triggers of dependents with its own rights'
);
SELECT skip('needs a superuser', 3);
\endif

SELECT * FROM finish();
ROLLBACK;
