-- Before-images belong to the job's owner, who may write into them what he likes. Whoever rolls the
-- job back for him must not give him rights that he has not.
BEGIN;
\ir ../setup.psql
SELECT plan(25);
SELECT pgimport_test.codes_target();
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir roles.psql
GRANT SELECT, UPDATE, DELETE ON pgimport_test.codes TO pgimport_test_admin;
GRANT UPDATE (sku, import_job_id) ON pgimport_test.codes TO pgimport_test_ann;
-- a row that ann has never imported
INSERT INTO pgimport_test.codes (merchant_id, code, sku, activated)
VALUES
(pgimport_test.merchant(), 'SECRET', 'dear', false),
(pgimport_test.merchant(), 'A', 'a', false);

-- a job of ann that updated code A, and the tables of its proofs
CREATE FUNCTION pgimport_test.new_update(OUT job text, OUT image text, OUT print text)
LANGUAGE plpgsql
VOLATILE
AS $new_update$
BEGIN
    UPDATE pgimport_test.codes SET sku = 'a' WHERE code = 'A';
    job := pgimport_test.answer_as(
        'pgimport_test_ann',
        $$SELECT pgimport_test.completed_job('{A}', '{"on_duplicate": "update"}')$$
    );
    image := format('job_%s_image', replace(job, '-', ''));
    print := format('job_%s_print', replace(job, '-', ''));
END;
$new_update$;

-- runs a statement on the image as ann
CREATE FUNCTION pgimport_test.forge(p_statement text, p_table text)
RETURNS text
LANGUAGE sql
VOLATILE
RETURN pgimport_test.answer_as(
    'pgimport_test_ann', format(p_statement, p_table) || ' RETURNING 1'
);

-- runs DDL as ann; null when it went
CREATE FUNCTION pgimport_test.alter_as_ann(p_statement text, p_table text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
AS $alter_as_ann$
BEGIN
    PERFORM set_config('role', 'pgimport_test_ann', true);
    EXECUTE format(p_statement, p_table);
    PERFORM set_config('role', 'none', true);
    RETURN NULL;
END;
$alter_as_ann$;

-- what rollback_job answers that role
CREATE FUNCTION pgimport_test.rollback_as(p_role text, p_job_id uuid)
RETURNS text
LANGUAGE sql
VOLATILE
RETURN pgimport_test.answer_as(p_role, format(
    'SELECT pgimport_test.pick(pgimport.rollback_job(%L), ''success'', ''rows_restored'')', p_job_id
));

CREATE FUNCTION pgimport_test.secret()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT concat(c.sku, ' ', c.activated) FROM pgimport_test.codes AS c
    WHERE c.code = 'SECRET';
END;

-- an image of a row that the job never touched: ann could have updated that column herself
SELECT u.* FROM pgimport_test.new_update() AS u \gset
SELECT is(
    pgimport_test.forge(
        'UPDATE pgimport_staging.%I SET k1 = ''SECRET'', o1 = ''cheap'', n1 = ''dear''', :'image'
    ), '1', 'an importer forges the image of a job of its own'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'success=true rows_restored=1',
    'who may update the column itself gains nothing: it goes'
);
SELECT is(pgimport_test.secret(), 'cheap f', 'as its own UPDATE would have');
UPDATE pgimport_test.codes SET sku = 'dear'
WHERE code = 'SECRET';

-- a right that ann has lost since, or never had
SELECT u.* FROM pgimport_test.new_update() AS u \gset
REVOKE UPDATE ON pgimport_test.codes FROM pgimport_test_ann;
SELECT pgimport_test.forge(
    'UPDATE pgimport_staging.%I SET k1 = ''SECRET'', o1 = ''cheap'', n1 = ''dear''', :'image'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602',
    'a column that the owner of the job may not update is not restored by others'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'job'), 'PI602', NULL, 'nor by a superuser'
);
GRANT UPDATE (sku) ON pgimport_test.codes TO pgimport_test_ann;
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'WITH u AS (UPDATE pgimport.job SET updated_columns = ''{activated}'' WHERE job_id = %L '
        'RETURNING 1) SELECT count(*) FROM u', :'job'
    )), '1', 'an importer says that its job updated another column'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602', 'which it may not write'
);
SELECT is(pgimport_test.secret(), 'dear f', 'and nothing was gained');

-- rows that row-level security keeps from ann
SELECT u.* FROM pgimport_test.new_update() AS u \gset
ALTER TABLE pgimport_test.codes ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON pgimport_test.codes TO pgimport_test_admin USING (true);
CREATE POLICY not_secret ON pgimport_test.codes TO pgimport_test_ann USING (code <> 'SECRET');
SELECT pgimport_test.forge(
    'UPDATE pgimport_staging.%I SET k1 = ''SECRET'', o1 = ''cheap'', n1 = ''dear''', :'image'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602',
    'rows that row-level security keeps from the owner of the job are not restored by others'
);
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L)', :'job'), 'PI602', NULL, 'nor by a superuser'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_ann', :'job'), 'success=true rows_restored=0',
    'its owner restores what it sees: nothing'
);
SELECT is(pgimport_test.secret(), 'dear f', 'and nothing was gained');
ALTER TABLE pgimport_test.codes DISABLE ROW LEVEL SECURITY;

-- code in the tables of proofs
CREATE FUNCTION pgimport_test.trojan() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''trojan as %'', current_user; END';
CREATE FUNCTION pgimport_test.trojan_value(p integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
'BEGIN RAISE EXCEPTION ''trojan as %'', current_user; END';
SELECT u.* FROM pgimport_test.new_update() AS u \gset
SELECT is(
    pgimport_test.alter_as_ann(
        'CREATE TRIGGER trojan BEFORE UPDATE ON pgimport_staging.%I '
        'FOR EACH ROW EXECUTE FUNCTION pgimport_test.trojan()', :'image'
    ), NULL, 'an importer lays a trap into its image'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602',
    'a trigger on the image is not run with the rights of others'
);
SELECT pgimport_test.alter_as_ann('DROP TRIGGER trojan ON pgimport_staging.%I', :'image');
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.%I ADD CHECK (pgimport_test.trojan_value(file_no) > 0) NOT VALID',
    :'image'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602', 'nor a check'
);
SELECT u.* FROM pgimport_test.new_update() AS u \gset
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.%1$I RENAME TO gone; '
    'CREATE VIEW pgimport_staging.%1$I AS SELECT * FROM pgimport_staging.gone', :'print'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602',
    'a view in the place of the fingerprints is not read'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_admin', format('SELECT pgimport.plan_rollback(%L)', :'job')
    ), 'PI602', 'not for a plan either'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_admin', format(
            'SELECT count(*) FROM pgimport.rollback_rows(%L, ''delete'')', :'job'
        )
    ), 'PI602', 'nor for its rows'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_admin', format('SELECT pgimport.verify_job(%L)', :'job')
    ), 'PI602', 'nor to verify the job'
);
SELECT u.* FROM pgimport_test.new_update() AS u \gset
SELECT pgimport_test.alter_as_ann(
    'CREATE TABLE pgimport_staging.child () INHERITS (pgimport_staging.%I)', :'image'
);
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'PI602',
    'a child of the image could hold what the image may not'
);
SELECT u.* FROM pgimport_test.new_update() AS u \gset
SELECT is(
    pgimport_test.rollback_as('pgimport_test_admin', :'job'), 'success=true rows_restored=1',
    'without any of this an administrator restores the rows'
);

-- the same traps in staged rows, before the insert
SELECT pgimport_test.answer_as(
    'pgimport_test_ann', $$SELECT pgimport_test.checked_job('{T1,T2}')$$
) AS job \gset
SELECT format('job_%s_mark', replace(:'job', '-', '')) AS mark \gset
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.%I ADD COLUMN trap integer', :'mark'
);
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.%I ALTER trap SET DEFAULT pgimport_test.trojan_value(1)', :'mark'
);
INSERT INTO pgimport_test.codes (merchant_id, code) VALUES (pgimport_test.merchant(), 'T1');
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'a default of the owner''s is not evaluated by a superuser who inserts'
);
SELECT pgimport_test.alter_as_ann('ALTER TABLE pgimport_staging.%I DROP trap', :'mark');
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.%I ADD trap integer '
    'GENERATED ALWAYS AS (pgimport_test.trojan_value(file_no)) STORED', :'mark'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'nor a column that is computed by his function'
);
SELECT pgimport_test.alter_as_ann('ALTER TABLE pgimport_staging.%I DROP trap', :'mark');
SELECT pgimport_test.alter_as_ann(
    'CREATE TABLE pgimport_staging.bound (LIKE pgimport_staging.%1$I) '
    'PARTITION BY LIST (pgimport_test.trojan_value(file_no)); '
    'ALTER TABLE pgimport_staging.bound ATTACH PARTITION pgimport_staging.%1$I FOR VALUES IN (1)',
    :'mark'
);
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'job'), 'PI602', NULL,
    'nor a bound of a table of his that the marks are a part of'
);
SELECT pgimport_test.alter_as_ann(
    'ALTER TABLE pgimport_staging.bound DETACH PARTITION pgimport_staging.%1$I', :'mark'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'without them it is inserted'
);
\else
SELECT skip('the role of this suite may not create roles', 25);
\endif

SELECT * FROM finish();
ROLLBACK;
