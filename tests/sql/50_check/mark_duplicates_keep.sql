BEGIN;
\ir ../setup.psql
SELECT plan(14);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code)
VALUES (pgimport_test.merchant(), 'OLD'), (pgimport_test.merchant(), 'TWICE');

-- the marks of a job, one line a row: file.row kinds
CREATE FUNCTION pgimport_test.marks(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_marks text;
BEGIN
    EXECUTE format(
        'SELECT string_agg(format(''%%s.%%s%%s'', m.file_no, m.row_no, m.kinds), '' '' '
        'ORDER BY m.file_no, m.row_no) FROM (SELECT file_no, row_no, '
        'string_agg(kind::text, '''' ORDER BY kind) AS kinds FROM pgimport_staging.%I '
        'GROUP BY file_no, row_no) AS m', format('job_%s_mark', replace(p_job_id::text, '-', ''))
    ) INTO v_marks;
    RETURN v_marks;
END;
$$;

-- two files: the second is staged with the first occurrence of B
CREATE FUNCTION pgimport_test.two_files(p_options jsonb)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job_id uuid := pgimport_test.new_job(p_options);
BEGIN
    PERFORM pgimport_test.stage(
        v_job_id, '{merchant_id,code,sku}', pgimport_test.code_lines('A', 'OLD', 'A', 'TWICE')
    );
    PERFORM pgimport_test.stage(
        v_job_id, '{merchant_id,code,sku}', pgimport_test.code_lines('B', 'A', 'TWICE', 'B', 'C'),
        '{}', 'b.csv'
    );
    RETURN v_job_id;
END;
$$;

SELECT pgimport_test.two_files('{}') AS job \gset
SELECT pgimport.mark_duplicates(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer', 'success', 'status', 'total_rows', 'internal_duplicates', 'database_duplicates',
        'both_duplicates', 'clean_count'
    ),
    'success=true status=checked total_rows=9 internal_duplicates=4 database_duplicates=3 '
    'both_duplicates=1 clean_count=3',
    'mark_duplicates counts duplicates inside the files, in the table, and both'
);
SELECT is(
    (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
    ARRAY[
        'both_duplicates', 'clean_count', 'counts', 'database_duplicates', 'details',
        'internal_duplicates', 'invalid_rows', 'job_id', 'message', 'status', 'success', 'target',
        'total_rows', 'warnings'
    ],
    'and answers with the documented keys and no other'
);
SELECT is(
    pgimport_test.marks(:'job'), '1.2d 1.3i 1.4d 2.2i 2.3di 2.4i',
    'the first occurrence is the lowest file and row; a row may have both flags'
);
SELECT pgimport.mark_duplicates(:'job') AS again \gset
SELECT is(:'again'::jsonb, :'answer'::jsonb, 'marking again answers the same');
SELECT is(
    pgimport_test.marks(:'job'), '1.2d 1.3i 1.4d 2.2i 2.3di 2.4i', 'and leaves the same marks'
);
SELECT is(
    pgimport_test.pick(pgimport.check_job(:'job'), 'clean_count', 'both_duplicates'),
    'clean_count=3 both_duplicates=1', 'a check counts the same'
);

-- keep = last
SELECT pgimport_test.two_files('{"keep": "last"}') AS last_job \gset
SELECT is(
    pgimport_test.pick(pgimport.mark_duplicates(:'last_job'), 'internal_duplicates', 'clean_count'),
    'internal_duplicates=4 clean_count=3', 'keep = last counts the same'
);
SELECT is(
    pgimport_test.marks(:'last_job'), '1.1i 1.2d 1.3i 1.4di 2.1i 2.3d',
    'but the last occurrence stays clean'
);
SELECT pgimport.insert_job(:'last_job');
SELECT is(
    (
        SELECT string_agg(c.code, ' ' ORDER BY c.code) FROM pgimport_test.codes AS c
        WHERE c.import_job_id = :'last_job'
    ), 'A B C', 'one row of each new key is inserted'
);

-- invalid rows are neither duplicates nor first occurrences
SELECT pgimport_test.new_job() AS mixed \gset
SELECT pgimport_test.stage(
    :'mixed', '{merchant_id,code,points}',
    ARRAY[
        pgimport_test.merchant() || ',X,many', pgimport_test.merchant() || ',X,1',
        pgimport_test.merchant() || ',X,2', pgimport_test.merchant() || ',OLD,few'
    ]
);
SELECT is(
    pgimport_test.pick(
        pgimport.mark_duplicates(:'mixed'), 'invalid_rows', 'internal_duplicates',
        'database_duplicates', 'clean_count'
    ),
    'invalid_rows=2 internal_duplicates=1 database_duplicates=0 clean_count=1',
    'an invalid row is no duplicate, and no first occurrence'
);
SELECT is(
    pgimport_test.marks(:'mixed'), '1.1x 1.3i 1.4x', 'the first valid row of a key is the clean one'
);

-- a row whose key cannot be read
SELECT pgimport_test.new_job() AS unreadable \gset
SELECT pgimport_test.stage(
    :'unreadable', '{merchant_id,code}', ARRAY['x,A1', 'x,A1', pgimport_test.merchant() || ',A1']
);
SELECT is(
    pgimport_test.pick(
        pgimport.mark_duplicates(:'unreadable'),
        'invalid_rows',
        'internal_duplicates',
        'clean_count'
    ),
    'invalid_rows=2 internal_duplicates=0 clean_count=1',
    'rows whose key is no value of its type are invalid and do not stop the marking'
);

-- many
SELECT pgimport_test.new_job() AS many \gset
SELECT pgimport_test.stage(
    :'many', '{merchant_id,code}',
    array(
        SELECT format('%s,M%s', pgimport_test.merchant(), n % 300)
        FROM generate_series(1, 1000) AS n
    )
);
SELECT is(
    pgimport_test.pick(pgimport.mark_duplicates(:'many'), 'internal_duplicates', 'clean_count'),
    'internal_duplicates=700 clean_count=300', 'every occurrence but one of a key is marked'
);
SELECT is(
    pgimport_test.pick(pgimport.insert_job(:'many'), 'rows_inserted', 'rows_skipped'),
    'rows_inserted=300 rows_skipped=700', 'and skipped by the insert'
);

SELECT * FROM finish();
ROLLBACK;
