BEGIN;
\ir ../setup.psql
SELECT plan(5);

SELECT pgimport_test.codes_target();
CREATE FUNCTION pgimport_test.note()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN new;
END;
$$;
CREATE TRIGGER note BEFORE INSERT ON pgimport_test.codes
FOR EACH ROW EXECUTE FUNCTION pgimport_test.note();
SELECT pgimport_test.checked_job('{A}') AS job \gset
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset

\if :is_superuser
CREATE ROLE pgimport_test_owner;
ALTER TABLE pgimport_test.codes OWNER TO pgimport_test_owner;
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'a superuser does not run the triggers of somebody else''s table'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"allow_superuser": true}'), 'status', 'rows_inserted'
    ), 'status=completed rows_inserted=1', 'unless that is allowed'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'job'), 'PI602', NULL,
    'the same holds for a rollback'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', p_options => '{"allow_superuser": true}'), 'rows_deleted'
    ), 'rows_deleted=1', 'which may be allowed, too'
);
DROP TRIGGER note ON pgimport_test.codes;
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(pgimport_test.checked_job('{A}')), 'status', 'rows_inserted'
    ), 'status=completed rows_inserted=1', 'a table without triggers runs no code of its owner'
);
\else
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status'), 'status=completed',
    'a plain role runs triggers with its own rights'
);
SELECT skip('needs a superuser', 4);
\endif

SELECT * FROM finish();
ROLLBACK;
