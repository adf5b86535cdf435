BEGIN;
\ir ../setup.psql
SELECT plan(22);

CREATE TABLE pgimport_test.people (
    email text,
    branch integer,
    name text UNIQUE,
    deleted_at timestamptz,
    gone boolean,
    import_job_id uuid
);
CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch)
WHERE deleted_at IS NULL;
SELECT pgimport.register_target(
    'pgimport_test.people', 'people', '{email,branch}', '{"soft_delete": "deleted_at"}'
);

-- a job with one file of these lines: email, branch, name
CREATE FUNCTION pgimport_test.people_job(VARIADIC p_lines text[])
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job('{}', 'people');
BEGIN
    PERFORM pgimport_test.stage(v_job_id, '{email,branch,name}', p_lines);
    RETURN v_job_id;
END;
$$;
-- duplicates of the table, inside the file, clean rows
CREATE FUNCTION pgimport_test.numbers(p_answer jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN concat_ws(
    ' ', p_answer -> 'database_duplicates', p_answer -> 'internal_duplicates',
    p_answer -> 'invalid_rows', p_answer -> 'clean_count'
);

INSERT INTO pgimport_test.people (email, branch, deleted_at)
VALUES ('ann', 1, NULL), ('bob', 1, '2026-01-01'), ('bob', 1, '2026-02-01'), ('cy', 1, NULL);

SELECT pgimport_test.people_job('ann,1,', 'bob,1,', 'cy,2,') AS job \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'job')), '1 0 0 2',
    'a soft-deleted row is no duplicate where the unique index of the key leaves it out'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'success', 'rows_inserted', 'rows_skipped'),
    'success=true rows_inserted=2 rows_skipped=1', 'its key is imported again'
);
SELECT is(
    pgimport_test.numbers(pgimport.check_job(
        pgimport_test.people_job('bob,1,', 'bob,1,', 'bob,2,', 'bob,2,')
    )), '2 2 0 1', 'and is a duplicate from then on'
);
SELECT is(
    (
        SELECT string_agg(u.code, ' ' ORDER BY u.code)
        FROM pgimport.job AS j
        CROSS JOIN LATERAL pgimport._unique_constraints(j, 'pgimport_test.people') AS u
        WHERE j.job_id = :'job'
    ),
    'unique:people_name_key', 'the index is that of the key, not one more constraint'
);

-- what is deleted or revived after the check: a small job beside its table, and a large one
INSERT INTO pgimport_test.people (email, branch, deleted_at)
SELECT 'x' || i AS email, 0 AS branch, '2026-01-01' AS deleted_at
FROM generate_series(1, 1000) AS i;
ANALYZE pgimport_test.people;
SELECT pgimport_test.people_job('dee,1,', 'x1,0,', 'x2,0,') AS small \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'small')), '0 0 0 3', 'a job beside deleted rows'
);
UPDATE pgimport_test.people SET deleted_at = NULL
WHERE email = 'x1';
UPDATE pgimport_test.people SET name = 'still deleted'
WHERE email = 'x2';
SELECT is(
    pgimport_test.numbers(pgimport.validate_job(:'small')), '1 0 0 2',
    'finds those that were revived since, and no others'
);
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'small'), 'success', 'rows_inserted', 'rows_skipped'
    ), 'success=true rows_inserted=2 rows_skipped=1', 'and inserts the rest'
);
SELECT pgimport_test.people_job(VARIADIC lines) AS large
FROM (
    SELECT array_agg(format('x%s,0,', i)) AS lines FROM generate_series(3, 200) AS i
) AS large \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'large')), '0 0 0 198', 'so does a large one'
);
UPDATE pgimport_test.people SET deleted_at = NULL
WHERE email = 'x3';
UPDATE pgimport_test.people SET name = 'deleted all the same'
WHERE email = 'x4';
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'large'), 'success', 'rows_inserted', 'new_database_duplicates'
    ), 'success=true rows_inserted=197 new_database_duplicates=1', 'as it shall'
);

-- preview
SELECT pgimport_test.people_job('ann,1,', 'x500,0,') AS shown \gset
SELECT pgimport.check_job(:'shown');
SELECT is(
    (
        SELECT string_agg(r.value ->> 'class', ' ' ORDER BY r.value -> 'row_no')
        FROM jsonb_array_elements(pgimport.preview_job(:'shown') -> 'rows') AS r
    ), 'skip insert', 'the preview shows which key is free'
);

-- an ordinary unique index
TRUNCATE pgimport_test.people;
DROP INDEX pgimport_test.people_living;
CREATE UNIQUE INDEX people_all ON pgimport_test.people (email, branch);
INSERT INTO pgimport_test.people (email, branch, deleted_at) VALUES ('bob', 1, '2026-01-01');
SELECT pgimport_test.people_job('ann,1,', 'bob,1,') AS ordinary \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'ordinary')), '1 0 0 1',
    'a soft-deleted row keeps its key where the unique index holds it'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'ordinary'), 'success', 'rows_inserted'),
    'success=true rows_inserted=1', 'and its duplicate is skipped'
);

-- both: the one over all rows decides
CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch)
WHERE deleted_at IS NULL;
SELECT is(
    pgimport_test.numbers(pgimport.check_job(pgimport_test.people_job('bob,1,', 'eve,1,'))),
    '1 0 0 1', 'with both indexes it is a duplicate'
);
SELECT pgimport_test.people_job('fay,1,') AS changed \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'changed')), '0 0 0 1', 'a job that is checked'
);
DROP INDEX pgimport_test.people_all;
SELECT throws_ok(
    format('SELECT pgimport.insert_job(%L)', :'changed'), 'PI102', NULL,
    'is checked again when another index guards the key'
);

DROP INDEX pgimport_test.people_living;
CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch)
WHERE deleted_at IS NOT NULL;
SELECT throws_ok(
    format('SELECT pgimport.check_job(%L)', :'changed'), 'PI204', NULL,
    'an index over the soft-deleted rows guards no key'
);

-- a boolean, null included, by each predicate: 1 false, 2 true, 3 null
TRUNCATE pgimport_test.people;
INSERT INTO pgimport_test.people (email, branch, gone) VALUES
('a', 1, false), ('a', 2, true), ('a', 3, NULL);
CREATE FUNCTION pgimport_test.by_predicate(p_predicate text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DROP INDEX pgimport_test.people_living;
    EXECUTE format(
        'CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch) WHERE %s',
        p_predicate
    );
    PERFORM pgimport.register_target(
        'pgimport_test.people', 'people', '{email,branch}', '{"soft_delete": "gone"}'
    );
    RETURN pgimport_test.numbers(pgimport.check_job(
        pgimport_test.people_job('a,1,', 'a,2,', 'a,3,')
    ));
END;
$$;
SELECT is(pgimport_test.by_predicate('NOT gone'), '1 0 0 2', 'not gone: null is not in the index');
SELECT is(pgimport_test.by_predicate('gone = false'), '1 0 0 2', 'gone = false: the same');
SELECT is(pgimport_test.by_predicate('gone IS FALSE'), '1 0 0 2', 'gone is false: the same');
SELECT is(
    pgimport_test.by_predicate('gone IS NOT TRUE'), '2 0 0 1', 'gone is not true: null is in it'
);

-- nulls that equal nulls, among the rows that live
DROP INDEX pgimport_test.people_living;
DO $$
BEGIN
    -- sqlfluff does not know NULLS NOT DISTINCT
    CREATE UNIQUE INDEX people_living ON pgimport_test.people (email, branch) NULLS NOT DISTINCT
    WHERE gone IS NOT TRUE;
END;
$$;
INSERT INTO pgimport_test.people (email, branch, gone) VALUES
('n', NULL, true), ('m', NULL, false);
SELECT pgimport_test.people_job('n,,', 'm,,', 'o,,', 'o,,') AS nulls \gset
SELECT is(
    pgimport_test.numbers(pgimport.check_job(:'nulls')), '1 1 0 2',
    'null keys of soft-deleted rows are free, too'
);
UPDATE pgimport_test.people SET gone = NULL
WHERE email = 'n';
SELECT is(
    pgimport_test.pick(
        pgimport.insert_job(:'nulls'), 'success', 'rows_inserted', 'new_database_duplicates'
    ), 'success=true rows_inserted=1 new_database_duplicates=1', 'until they are revived'
);

SELECT * FROM finish();
ROLLBACK;
