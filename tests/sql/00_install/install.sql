-- What an install leaves in the database, whoever made it and however.
BEGIN;
\ir ../setup.psql

SELECT plan(9);

SELECT set_eq(
    $$SELECT n.nspname::text FROM pg_namespace AS n WHERE n.nspname LIKE 'pgimport%'
    AND n.nspname <> 'pgimport_test'$$,
    ARRAY['pgimport', 'pgimport_staging'],
    'an install makes two schemas'
);
SELECT set_eq(
    $$SELECT c.relname::text FROM pg_class AS c
    WHERE c.relnamespace = 'pgimport'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition$$,
    ARRAY[
        'schema_step', 'role_grant', 'target', 'target_column', 'job', 'file', 'issue',
        'job_write', 'job_event', 'fix', 'fix_record', 'kept_row', 'saved_mapping',
        'row_history', 'job_queue', 'job_limit', 'retention'
    ],
    'an install makes these tables'
);
SELECT is_empty(
    $$SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = 'pgimport_staging'::regnamespace$$,
    'nothing is staged yet'
);
SELECT is(
    (
        SELECT s.version FROM pgimport.schema_step AS s
        WHERE s.name = 'functions'
    ),
    pgimport.version(),
    'the ledger names the version of the functions'
);
SELECT is_empty(
    $$SELECT s.name FROM pgimport.schema_step AS s
    WHERE s.sha256 !~ '^[0-9a-f]{64}$' OR s.applied_by <> current_user::text$$,
    'the ledger tells what was applied, and by whom'
);
SELECT is(
    (
        SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n
        WHERE n.nspname = 'pgimport'
    ),
    current_user,
    'whoever installs owns the schema'
);
SELECT is_empty(
    $$SELECT p.polname FROM pg_policy AS p
    INNER JOIN pg_class AS c ON p.polrelid = c.oid
    WHERE c.relnamespace = 'pgimport'::regnamespace AND 0::oid <> ALL (p.polroles)$$,
    'row-level security depends on no role by name'
);
SELECT isnt(
    obj_description('pgimport'::regnamespace, 'pg_namespace'), NULL,
    'the schema says what it is for'
);
SELECT is(
    pgimport.verify_install(true) ->> 'message', 'all 16 checks hold',
    'verify_install finds nothing to object to'
);

SELECT * FROM finish();
ROLLBACK;
