BEGIN;
\ir ../setup.psql
SELECT plan(24);

CREATE DOMAIN pgimport_test.moment AS timestamptz;
CREATE TABLE pgimport_test.people (
    email text,
    branch integer,
    name text,
    deleted_at timestamptz,
    local_deleted_at timestamp,
    deleted_on date,
    gone boolean NOT NULL DEFAULT false,
    hidden boolean,
    born_at timestamptz NOT NULL DEFAULT now(),
    is_old boolean GENERATED ALWAYS AS (branch < 0) STORED,
    at_moment pgimport_test.moment,
    import_job_id uuid
);
CREATE FUNCTION pgimport_test.with_options(p_options jsonb, p_key text[] DEFAULT '{email,branch}')
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pgimport.register_target('pgimport_test.people', 'people', p_key, p_options)
        #> '{details,options}';
EXCEPTION
    WHEN OTHERS THEN
        RETURN sqlstate;
END;
$$;

-- which column can say that a row is deleted
CREATE UNIQUE INDEX people_key ON pgimport_test.people (email, branch);
SELECT
    is(
        pgimport_test.with_options(format('{"soft_delete": "%s"}', c.name)::jsonb),
        format('{"soft_delete": "%s"}', c.name), c.name || ' can say that a row is deleted'
    )
FROM unnest('{deleted_at,local_deleted_at,deleted_on,gone,hidden}'::text[]) AS c (name);
SELECT
    is(
        pgimport_test.with_options(format('{"soft_delete": "%s"}', c.name)::jsonb), c.code, c.reason
    )
FROM (
    VALUES
    ('name', 'PI213', 'a text cannot'),
    ('born_at', 'PI213', 'nor a time that is never null'),
    ('is_old', 'PI213', 'nor a column that the database computes'),
    ('at_moment', 'PI213', 'nor a domain, which may refuse what is written'),
    ('branch', 'PI213', 'nor a part of the key'),
    ('nope', 'PI206', 'nor one that is not there'),
    ('import_job_id', 'PI206', 'nor that of pgimport')
) AS c (name, code, reason);
SELECT is(
    pgimport_test.with_options('{"soft_delete": true}'), 'PI003', 'the column is given by its name'
);

-- who may roll back
SELECT is(
    pgimport_test.with_options(jsonb_build_object('rollback_role', current_user)),
    format('{"rollback_role": "%s"}', current_user), 'a role for rollbacks is kept'
);
SELECT is(
    concat_ws(
        ' ', pgimport_test.with_options('{"rollback_role": "no such role"}'),
        pgimport_test.with_options('{"rollback_role": ["a"]}')
    ), 'PI213 PI003', 'when there is such a role'
);
SELECT throws_ok(
    $$SELECT pgimport.register_target('pgimport_test.people', 'people', '{email,branch}',
        '{"rollback_role": "no such role"}')$$,
    'PI213', 'role "no such role" does not exist', 'else it is named'
);

-- the index that guards the key
DROP INDEX pgimport_test.people_key;
CREATE UNIQUE INDEX people_living ON pgimport_test.people (branch, email)
WHERE deleted_at IS NULL;
SELECT is(
    pgimport_test.with_options('{}'), 'PI204', 'a partial unique index alone guards no key'
);
SELECT is(
    pgimport_test.with_options('{"soft_delete": "deleted_on"}'), 'PI204',
    'nor where another column says that a row is deleted'
);
SELECT is(
    pgimport_test.with_options('{"soft_delete": "deleted_at"}'), '{"soft_delete": "deleted_at"}',
    'but one over all rows that are not soft-deleted does'
);
SELECT is(
    (
        SELECT
            string_agg(
                format('%s %s %s', k.column_name, k.index_position, k.living_sql), ', '
                ORDER BY k.key_position
            )
        FROM pgimport.target AS t
        CROSS JOIN LATERAL pgimport._key_columns(t.target_id) AS k
    ),
    'email 2 t.deleted_at IS NULL, branch 1 t.deleted_at IS NULL',
    'only rows that are not soft-deleted hold a key then'
);
CREATE UNIQUE INDEX people_all ON pgimport_test.people (email, branch);
SELECT is(
    pgimport_test.pick(pgimport.describe_target('people'), 'index'),
    'index=pgimport_test.people_all', 'a unique index over all rows comes first'
);
DROP INDEX pgimport_test.people_all;

DO $$
DECLARE
    v_predicate text;
BEGIN
    FOREACH v_predicate IN ARRAY '{NOT gone,gone = false,gone IS NOT TRUE,gone IS FALSE}'::text[]
    LOOP
        DROP INDEX pgimport_test.people_living;
        EXECUTE format(
            'CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch) WHERE %s',
            v_predicate
        );
        IF pgimport_test.with_options('{"soft_delete": "gone"}') LIKE 'PI%' THEN
            RAISE EXCEPTION 'not recognised: %', v_predicate;
        END IF;
    END LOOP;
END;
$$;
SELECT is(
    (
        SELECT min(k.living_sql)
        FROM pgimport.target AS t
        CROSS JOIN LATERAL pgimport._key_columns(t.target_id) AS k
    ), 't.gone IS FALSE', 'of a boolean every way to say that it is not true is recognised'
);
DROP INDEX pgimport_test.people_living;
CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch)
WHERE NOT gone AND branch > 5;
SELECT is(
    pgimport_test.with_options('{"soft_delete": "gone"}'), 'PI204',
    'an index over fewer rows than those guards no key'
);
SELECT is(
    (
        SELECT
            string_agg(pgimport.register_target(
                'pgimport_test.people', 'x', '{name}',
                jsonb_build_object('create_key', true, 'apply_ddl', false, 'soft_delete', c.name)
            ) -> 'ddl' ->> 0, ' ' ORDER BY c.name)
        FROM unnest('{deleted_on,gone}'::text[]) AS c (name)
    ),
    'CREATE UNIQUE INDEX ON pgimport_test.people (name) WHERE deleted_on IS NULL; '
    'CREATE UNIQUE INDEX ON pgimport_test.people (name) WHERE gone IS NOT TRUE;',
    'an index that is made for the key leaves soft-deleted rows out'
);

SELECT * FROM finish();
ROLLBACK;
