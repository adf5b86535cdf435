BEGIN;
\ir ../setup.psql
SELECT plan(7);

CREATE TABLE pgimport_test.persons (
    email text, name text, deleted_at timestamptz, import_job_id uuid
);
CREATE UNIQUE INDEX ON pgimport_test.persons (email) WHERE deleted_at IS NULL;
INSERT INTO pgimport_test.persons (email, name, deleted_at) VALUES
('ann', 'Ann', NULL), ('bob', 'Bob', NULL), ('bob', 'Old Bob', '2026-01-01'),
('cy', 'Cy', '2026-01-01');
SELECT pgimport.register_target(
    'pgimport_test.persons', 'persons', '{email}',
    '{"soft_delete": "deleted_at", "on_duplicate": "update"}'
);
CREATE FUNCTION pgimport_test.persons()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        string_agg(
            concat_ws(
                ' ', p.email, p.name, CASE WHEN p.deleted_at IS NOT NULL THEN 'deleted' END,
                CASE WHEN p.import_job_id IS NOT NULL THEN 'new' END
            ), ', ' ORDER BY p.email, p.name
        )
    FROM pgimport_test.persons AS p;
END;

SELECT pgimport_test.new_job('{}', 'persons') AS job \gset
SELECT pgimport_test.stage(
    :'job', '{email,name,deleted_at}', '{"ann,Anne,","bob,Rob,2026-05-05","cy,Cyrus,","dee,Dee,"}'
);
SELECT is(
    pgimport_test.pick(
        pgimport.check_job(:'job'), 'database_duplicates', 'would_insert', 'would_update'
    ),
    'database_duplicates=2 would_insert=2 would_update=2',
    'a row that lives is updated; the key of one that is declared deleted is free'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_updated'),
    'success=true rows_inserted=2 rows_updated=2', 'as the insert does'
);
SELECT is(
    pgimport_test.persons(),
    'ann Anne, bob Old Bob deleted, bob Rob, cy Cy deleted, cy Cyrus new, dee Dee new',
    'an update declares no row deleted and touches none that is'
);
SELECT is(
    (
        SELECT j.updated_columns FROM pgimport.job AS j
        WHERE j.job_id = :'job'
    ), '{name}'::text[],
    'the column that declares rows deleted is not among those updated'
);
SELECT is(
    pgimport.verify_job(:'job') ->> 'verified', 'true', 'what was updated is found again'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job'), 'success', 'rows_deleted', 'rows_restored'
    ), 'success=true rows_deleted=2 rows_restored=2', 'and restored by a rollback'
);
SELECT is(
    pgimport_test.persons(),
    'ann Ann, bob Bob, bob Old Bob deleted, cy Cy deleted, cy Cyrus deleted new, '
    'dee Dee deleted new',
    'which declares the new rows deleted'
);

SELECT * FROM finish();
ROLLBACK;
