-- what a check of the corrected rows alone finds is what a check of all rows would find
BEGIN;
\ir ../setup.psql
SELECT plan(5);

CREATE TABLE pgimport_test.item (
    code text PRIMARY KEY,
    n integer CHECK (n > 0),
    badge integer UNIQUE,
    parent text REFERENCES pgimport_test.item,
    day date NOT NULL,
    import_job_id uuid
);
INSERT INTO pgimport_test.item (code, n, badge, day) VALUES ('OLD', 1, 1000, '2020-01-01');
SELECT pgimport.register_target('pgimport_test.item', 'item', '{code}', '{}');
SELECT pgimport_test.new_job('{}', 'item') AS job \gset
SELECT pgimport_test.stage(:'job', '{code,n,badge,parent,day}', '{
    "A,1,1,,2024-01-01","B,x,2,,2024-01-01","C,-1,3,,2024-01-01","D,1,1,,2024-01-01",
    "E,1,5,nobody,2024-01-01","A,1,6,,2024-01-01","OLD,1,7,,2024-01-01","H,1,1000,,2024-01-01",
    "I,1,9,,","J,y,10,nobody,2024-99-01","K,1,11,B,2024-01-01"}');
SELECT pgimport.check_job(:'job');

-- what became of each row, and why
CREATE FUNCTION pgimport_test.became(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT string_agg(concat_ws(' ', r.row_no, r.class, r.status, (
            SELECT string_agg(i.value ->> 'code', ',' ORDER BY i.value ->> 'code')
            FROM jsonb_array_elements(r.issues) AS i
        )), '; ' ORDER BY r.row_no)
        FROM pgimport.row_report(p_job_id) AS r
    );
END;
$$;

SELECT is(
    pgimport_test.became(:'job'),
    '1 insert CLEAN; 2 invalid INVALID bad_integer; 3 invalid INVALID check:item_n_check; '
    '4 invalid INVALID unique:item_badge_key; 5 invalid INVALID foreign_key:item_parent_fkey; '
    '6 skip INTERNAL_DUPLICATE; 7 skip DATABASE_DUPLICATE; '
    '8 invalid INVALID unique:item_badge_key; 9 invalid INVALID required; '
    '10 invalid INVALID bad_date,bad_integer,foreign_key:item_parent_fkey; '
    '11 invalid INVALID foreign_key:item_parent_fkey',
    'eleven rows, eight of them invalid in their own ways'
);

-- runs a statement on the staging tables of a job
CREATE FUNCTION pgimport_test.staged(p_job_id uuid, p_statement text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE replace(
        p_statement, '{job}', format('pgimport_staging.job_%s', replace(p_job_id::text, '-', ''))
    );
END;
$$;

-- corrected in place, as apply_fix does it: some well, some not
SELECT pgimport_test.staged(:'job', s) FROM unnest(ARRAY[
        $$UPDATE {job}_f1 SET n = '4' WHERE code = 'B'$$,
        $$UPDATE {job}_f1 SET n = '-2' WHERE code = 'C'$$,
        $$UPDATE {job}_f1 SET badge = '12' WHERE code = 'D'$$,
        $$UPDATE {job}_f1 SET parent = 'K', code = 'D' WHERE code = 'E'$$,
        $$UPDATE {job}_f1 SET n = '0', day = '2024-01-09' WHERE code = 'J'$$,
        'CREATE UNLOGGED TABLE {job}_fixed (file_no integer, row_no bigint)',
        'INSERT INTO {job}_fixed VALUES (1, 2), (1, 3), (1, 4), (1, 5), (1, 10), (1, 11)',
        'CREATE TABLE pgimport_test.before AS SELECT v.ctid AS place, v.xmin AS written, v.row_no '
        'FROM {job}_value AS v WHERE v.row_no IN (1, 6, 7)'
    ]) AS s;
SELECT pgimport._recheck_rows(j) FROM pgimport.job AS j
WHERE j.job_id = :'job';
SELECT pgimport_test.staged(
    :'job', 'CREATE VIEW pgimport_test.after AS SELECT v.ctid AS place, v.xmin AS written, '
    'v.row_no FROM {job}_value AS v'
);

SELECT is(
    pgimport_test.became(:'job'),
    '1 insert CLEAN; 2 insert CLEAN; 3 invalid INVALID check:item_n_check; 4 insert CLEAN; '
    '5 skip INTERNAL_DUPLICATE; 6 skip INTERNAL_DUPLICATE; 7 skip DATABASE_DUPLICATE; '
    '8 invalid INVALID unique:item_badge_key; 9 invalid INVALID required; '
    '10 invalid INVALID check:item_n_check,foreign_key:item_parent_fkey; 11 insert CLEAN',
    'after the check of the corrected rows they are what they are now'
);
SELECT is(
    (
        SELECT count(*)::integer FROM pgimport_test.before AS b
        INNER JOIN pgimport_test.after AS v
            ON b.place = v.place AND b.written = v.written AND b.row_no = v.row_no
    ), 3, 'the good rows are where and what they were'
);
SELECT pgimport_test.became(:'job') AS alone \gset
DROP VIEW pgimport_test.after;
SELECT pgimport.check_job(:'job');
SELECT is(pgimport_test.became(:'job'), :'alone', 'a check of all rows says the same');
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'job'), 'status', 'rows_inserted'),
    'status=completed rows_inserted=4', 'and the clean ones go in'
);

SELECT * FROM finish();
ROLLBACK;
