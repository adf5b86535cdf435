-- Updates of tables with triggers, rules, partitions and policies.
BEGIN;
\ir ../setup.psql
SELECT plan(27);

-- triggers that change, drop, delete and write in a subtransaction of their own
CREATE TABLE pgimport_test.things (
    code text PRIMARY KEY, v text, changed integer NOT NULL DEFAULT 0, import_job_id uuid
);
CREATE FUNCTION pgimport_test.before_update()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.changed := old.changed + 1;
    IF new.v = 'drop' THEN
        RETURN NULL;
    END IF;
    new.v := upper(new.v);
    RETURN new;
END;
$$;
CREATE FUNCTION pgimport_test.after_update()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF new.v = 'DELETE' THEN
        DELETE FROM pgimport_test.things AS t WHERE t.code = new.code;
    ELSIF new.v = 'KEY' AND new.code <> 'other' THEN
        UPDATE pgimport_test.things AS t SET code = 'other' WHERE t.code = new.code;
    ELSIF new.v = 'SUB' THEN
        BEGIN
            UPDATE pgimport_test.things AS t SET v = 'by the trigger' WHERE t.code = new.code;
        EXCEPTION
            WHEN division_by_zero THEN
                NULL;
        END;
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER first BEFORE UPDATE ON pgimport_test.things
FOR EACH ROW EXECUTE FUNCTION pgimport_test.before_update();
CREATE TRIGGER last AFTER UPDATE ON pgimport_test.things
FOR EACH ROW EXECUTE FUNCTION pgimport_test.after_update();
SELECT pgimport.register_target(
    'pgimport_test.things', 'things', '{code}', '{"on_duplicate": "update"}'
);
INSERT INTO pgimport_test.things (code, v) VALUES ('A', 'o'), ('B', 'o'), ('C', 'C');

CREATE FUNCTION pgimport_test.upsert(p_target text, p_header text[], VARIADIC p_lines text[])
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{"on_duplicate": "update"}', p_target);
BEGIN
    PERFORM pgimport_test.stage(v_job_id, p_header, p_lines);
    PERFORM pgimport.check_job(v_job_id);
    RETURN v_job_id;
END;
$$;

SELECT pgimport_test.upsert('things', '{code,v}', 'A,a', 'B,sub', 'C,C', 'D,sub') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"allow_superuser": true}'), 'success', 'rows_inserted',
        'rows_updated', 'rows_unchanged'
    ), 'success=true rows_inserted=1 rows_updated=2 rows_unchanged=1',
    'a table whose triggers change the values is updated'
);
SELECT results_eq(
    'SELECT code, v, changed FROM pgimport_test.things ORDER BY code',
    $$VALUES ('A', 'A', 1), ('B', 'BY THE TRIGGER', 2), ('C', 'C', 0), ('D', 'sub', 0)$$,
    'with what the triggers make of them, and not at all where nothing differs'
);
SELECT results_eq(
    format(
        'SELECT i.k1, i.o1, i.n1 FROM pgimport_staging.job_%s_image AS i ORDER BY i.k1',
        replace(:'job', '-', '')
    ),
    $$VALUES ('A', 'o', 'A'), ('B', 'o', 'BY THE TRIGGER')$$,
    'the image holds what is in the table afterwards, not what was sent'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'actual_count', 'modified', 'rewritten'
    ), 'verified=true actual_count=3 modified=0 rewritten=0',
    'all is proved untouched, also what a trigger wrote in a subtransaction of its own'
);
SELECT results_eq(
    format(
        'SELECT cardinality(p.hashes) FROM pgimport_staging.job_%s_print AS p',
        replace(:'job', '-', '')
    ),
    'VALUES (3)', 'fingerprints of such a table have a hash of each column'
);

SELECT pgimport_test.upsert('things', '{code,v}', 'A,drop', 'B,b', 'E,e') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"allow_superuser": true}'), 'success', 'status', 'code',
        'details.sqlstate', 'details.message'
    ),
    'success=false status=failed code=PI404 details.sqlstate=PI401 '
    'details.message=2 rows to be updated, 1 were',
    'a trigger that drops an update fails the job'
);
SELECT is(
    (SELECT string_agg(t.code || t.v, ' ' ORDER BY t.code) FROM pgimport_test.things AS t),
    'AA BBY THE TRIGGER CC Dsub', 'nothing is changed'
);
SELECT is(
    to_regclass(format('pgimport_staging.job_%s_image', replace(:'job', '-', ''))), NULL,
    'and no image is left'
);
SELECT pgimport_test.upsert('things', '{code,v}', 'A,delete', 'B,b') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"allow_superuser": true}'), 'details.sqlstate',
        'details.message'
    ), 'details.sqlstate=PI401 details.message=2 rows updated, 1 found by key afterwards',
    'a trigger that deletes what was updated fails the job'
);
SELECT pgimport_test.upsert('things', '{code,v}', 'A,key', 'B,b') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job', '{"allow_superuser": true}'), 'details.sqlstate',
        'details.message'
    ), 'details.sqlstate=PI401 details.message=2 rows updated, 1 found by key afterwards',
    'and one that changes its key'
);

-- a rule
CREATE TABLE pgimport_test.ruled (code text PRIMARY KEY, v text, import_job_id uuid);
INSERT INTO pgimport_test.ruled VALUES ('A', 'o'), ('B', 'o');
DO $$
BEGIN
    CREATE RULE not_b AS ON UPDATE TO pgimport_test.ruled WHERE old.code = 'B' DO INSTEAD NOTHING;
END;
$$;
SELECT pgimport.register_target('pgimport_test.ruled', 'ruled', '{code}', '{}');
SELECT pgimport_test.upsert('ruled', '{code,v}', 'A,a', 'B,b') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=PI401', 'a rule that drops an update fails the job'
);
SELECT pgimport_test.upsert('ruled', '{code,v}', 'A,a', 'C,b') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_updated'),
    'status=completed rows_updated=1', 'one that does nothing here does no harm'
);

-- constraints
CREATE TABLE pgimport_test.parent (id integer PRIMARY KEY);
CREATE TABLE pgimport_test.guarded (
    code text PRIMARY KEY,
    v integer,
    parent_id integer REFERENCES pgimport_test.parent (id) DEFERRABLE INITIALLY DEFERRED,
    import_job_id uuid
);
INSERT INTO pgimport_test.parent VALUES (1), (2);
INSERT INTO pgimport_test.guarded VALUES ('A', 1, 1), ('B', 2, 1), ('C', 3, 1);
SET CONSTRAINTS pgimport_test.guarded_parent_id_fkey IMMEDIATE;
SET CONSTRAINTS pgimport_test.guarded_parent_id_fkey DEFERRED;
SELECT pgimport.register_target('pgimport_test.guarded', 'guarded', '{code}', '{}');
SELECT pgimport_test.upsert('guarded', '{code,v,parent_id}', 'A,7,1', 'B,7,2') AS job \gset
DELETE FROM pgimport_test.parent
WHERE id = 2;
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'status', 'code', 'details.sqlstate', 'details.table'
    ), 'status=failed code=PI404 details.sqlstate=23503 details.table=guarded',
    'a row that an update refers to and that went after the check fails the job, not the commit'
);
SELECT is(
    (SELECT string_agg(t.code || t.v, ' ' ORDER BY t.code) FROM pgimport_test.guarded AS t),
    'A1 B2 C3', 'and everything is as it was'
);

-- partitions
CREATE TABLE pgimport_test.parts (
    region text NOT NULL, code text NOT NULL, points integer, import_job_id uuid,
    UNIQUE (code, region)
) PARTITION BY LIST (region);
CREATE TABLE pgimport_test.parts_fr PARTITION OF pgimport_test.parts FOR VALUES IN ('fr');
CREATE TABLE pgimport_test.parts_de (
    points integer, code text NOT NULL, import_job_id uuid, region text NOT NULL
);
SELECT lives_ok(
    $$ALTER TABLE pgimport_test.parts
    ATTACH PARTITION pgimport_test.parts_de FOR VALUES IN ('de')$$,
    'a partition may have its columns in another order'
);
INSERT INTO pgimport_test.parts VALUES ('fr', 'A', 1), ('de', 'A', 1), ('de', 'B', 1);
SELECT pgimport.register_target('pgimport_test.parts', 'parts', '{code,region}', '{}');
SELECT pgimport_test.upsert(
    'parts', '{region,code,points}', 'fr,A,2', 'de,A,3', 'de,B,1', 'fr,B,4'
) AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ), 'rows_inserted=1 rows_updated=2 rows_unchanged=1', 'rows of a partitioned table are updated'
);
SELECT results_eq(
    'SELECT region, code, points FROM pgimport_test.parts ORDER BY region, code',
    $$VALUES ('de', 'A', 3), ('de', 'B', 1), ('fr', 'A', 2), ('fr', 'B', 4)$$,
    'each in its partition'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count', 'rewritten'),
    'verified=true actual_count=3 rewritten=0', 'and verified'
);

-- many columns
SELECT
    format(
        'CREATE TABLE pgimport_test.wide (code text PRIMARY KEY, import_job_id uuid, %s)',
        string_agg(format('c%s smallint', n), ', ' ORDER BY n)
    )
FROM generate_series(1, 700) AS n
\gexec
INSERT INTO pgimport_test.wide (code, c1, c700) VALUES ('A', 1, 1), ('B', 1, 1);
SELECT pgimport.register_target('pgimport_test.wide', 'wide', '{code}', '{}');
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'wide') AS job \gset
SELECT pgimport_test.stage(
    :'job',
    (
        SELECT '{code}' || array_agg(format('c%s', n) ORDER BY n)
        FROM generate_series(1, 700) AS n
    ),
    ARRAY['A,1' || repeat(',', 699) || '1', 'C,2' || repeat(',', 699)]
);
SELECT pgimport.check_job(:'job');
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ), 'success=true rows_inserted=1 rows_updated=0 rows_unchanged=1',
    'rows of 700 columns are compared'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=1', 'and have fingerprints'
);
SELECT
    format(
        'ALTER TABLE pgimport_test.wide %s',
        string_agg(format('ADD c%s smallint', n), ', ' ORDER BY n)
    )
FROM generate_series(701, 900) AS n
\gexec
SELECT pgimport_test.new_job('{"on_duplicate": "update"}', 'wide') AS job \gset
SELECT pgimport_test.stage(
    :'job',
    (
        SELECT '{code}' || array_agg(format('c%s', n) ORDER BY n)
        FROM generate_series(1, 900) AS n
    ),
    ARRAY['A,1' || repeat(',', 899)]
);
SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=PI207',
    'more columns than a table of before-images can hold are not updated'
);
SELECT matches(
    :'answer'::jsonb ->> 'message', '900 columns, of which 780 at most', 'and it says how many'
);

-- row-level security: the owner is held by it, too
CREATE TABLE pgimport_test.secured (
    code text UNIQUE, v text, tenant text DEFAULT 'mine', import_job_id uuid
);
INSERT INTO pgimport_test.secured VALUES
('A', 'o', 'mine'), ('B', 'o', 'mine'), ('C', 'o', 'shown'), ('D', 'o', 'shown');
ALTER TABLE pgimport_test.secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgimport_test.secured FORCE ROW LEVEL SECURITY;
CREATE POLICY shown ON pgimport_test.secured FOR SELECT USING (tenant IN ('mine', 'shown'));
CREATE POLICY mine ON pgimport_test.secured USING (tenant = 'mine');
SELECT pgimport.register_target('pgimport_test.secured', 'secured', '{code}', '{}');
SELECT r.rolsuper AS is_superuser FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user \gset
SELECT pgimport_test.upsert('secured', '{code,v}', 'A,a', 'B,o', 'C,o', 'E,e') AS job \gset
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_updated', 'rows_unchanged'
    ), 'success=true rows_inserted=1 rows_updated=1 rows_unchanged=2',
    'rows that the policies allow are updated; of others it is enough to see that nothing differs'
);
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=2', 'and verified'
);
\if :is_superuser
SELECT skip('policies do not hold a superuser', 3);
\else
SELECT pgimport_test.upsert('secured', '{code,v}', 'A,x', 'D,x') AS job \gset
SELECT pgimport.insert_job(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(:'answer', 'status', 'details.sqlstate', 'details.message'),
    'status=failed details.sqlstate=PI401 details.message=2 rows to be updated, but 1 can be '
    'changed and 0 as the file says',
    'a row that the policies keep from being updated fails the job'
);
SELECT is(
    (SELECT string_agg(s.code || s.v, ' ' ORDER BY s.code) FROM pgimport_test.secured AS s),
    'Aa Bo Co Do Ee', 'and nothing is changed'
);
SELECT pgimport_test.upsert('secured', '{code,v,tenant}', 'A,x,yours') AS job \gset
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'details.sqlstate'),
    'status=failed details.sqlstate=42501',
    'so does one that would be out of reach afterwards'
);
\endif

SELECT * FROM finish();
ROLLBACK;
