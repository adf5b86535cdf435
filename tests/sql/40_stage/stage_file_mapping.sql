BEGIN;
\ir ../setup.psql
SELECT plan(22);
SELECT pgimport_test.codes_target();

-- where the fields of a file go: "header > column (how)"
CREATE FUNCTION pgimport_test.fields(p_answer jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
RETURN (
    SELECT
        string_agg(
            format('%s > %s (%s)', m ->> 'header', coalesce(m ->> 'column', '-'), m ->> 'how'), ', '
            ORDER BY m -> 'position'
        )
    FROM jsonb_array_elements(p_answer -> 'mapping') AS m
);

SELECT pgimport_test.new_job() AS job \gset
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'a.csv', '{code,Merchant-ID,colour}')),
    'code > code (exact), Merchant-ID > merchant_id (normalised), colour > - ()',
    'names say which field goes to which column'
);
SELECT is(
    pgimport_test.fields(pgimport.stage_file(
        :'job', 'b.csv', '{code,colour,sku}', '{"mapping": {"colour": "sku", "code": null}}'
    )),
    'code > - (given), colour > sku (given), sku > - ()',
    'what the caller says of a file comes first, and a column takes one field'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''c.csv'', ''{a,b}'', %L)', :'job',
        '{"mapping": {"a": "code", "b": "code"}}'
    ),
    'PI207', NULL, 'two fields cannot go to one column'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''c.csv'', ''{a}'', ''{"mapping": {"a": "nope"}}'')',
        :'job'
    ),
    'PI206', NULL, 'nor to a column that is not there'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''c.csv'', ''{a}'', ''{"mapping": {"a": "id"}}'')', :'job'
    ),
    'PI207', NULL, 'nor to one that the database computes'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''c.csv'', ''{a}'', ''{"mapping": {"a": 5}}'')', :'job'
    ),
    'PI003', NULL, 'a column is named by a text'
);
SELECT throws_ok(
    format(
        'SELECT pgimport.stage_file(%L, ''c.csv'', ''{a}'', ''{"mapping": ["code"]}'')', :'job'
    ),
    'PI003', NULL, 'a mapping is an object'
);
SELECT is(
    pgimport.get_job(:'job') -> 'counts' ->> 'files', '2', 'a refused file is no file of the job'
);

-- the mapping and the constants of the job
SELECT pgimport_test.new_job(
    '{"mapping": {"No": "serial", "Item": "sku"}, "constants": {"points": 3}}'
) AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', '{No,Item,points,code}', '{"mapping": {"Item": null}}'
) AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'),
    'No > serial (given), Item > - (given), points > - (constant), code > code (exact)',
    'the job''s mapping holds for its files, a file''s own goes before, a constant before names'
);
SELECT matches(
    :'answer'::jsonb -> 'warnings' ->> 0, '"points".*constant',
    'a field that a constant stands in for is warned of'
);
SELECT pgimport.stage_file(
    :'job', 'b.csv', '{code,pts}', '{"mapping": {"pts": "points"}}'
) AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'), 'code > code (exact), pts > - (constant)',
    'a constant goes before a given field, too: the column is written once'
);
SELECT matches(
    :'answer'::jsonb -> 'warnings' ->> 0, '"pts".*constant', 'and that is warned of as well'
);

-- header text is data
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(
    :'job', 'a.csv', ARRAY['code', 'code', '', NULL, '"; DROP TABLE x; --', 'row_no', 'file_no']
) AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'),
    'code > code (exact), code > - (),  > - (),  > - (), "; DROP TABLE x; -- > - (), '
    'row_no > - (), file_no > - ()',
    'a header may hold anything, also the same name twice or none'
);
SELECT is(
    (
        SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = format('pgimport_staging.job_%s_f1', replace(:'job', '-', ''))::regclass
            AND a.attnum > 0
    ),
    'file_no,row_no,line_no,code,extra_2,extra_3,extra_4,extra_5,extra_6,extra_7',
    'and never becomes the name of a column'
);

-- columns of the target that are called like staging's own
CREATE TABLE pgimport_test.odd (
    row_no integer PRIMARY KEY, class text, line_no integer, extra_1 text, issues text,
    "Odd ""Name" text -- noqa: RF05
);
SELECT pgimport.register_target('pgimport_test.odd', 'odd', '{row_no}');
SELECT pgimport_test.new_job('{}', 'odd') AS job \gset
SELECT pgimport_test.stage(
    :'job', ARRAY['class', 'row_no', 'line_no', 'extra_1', 'issues', 'Odd "Name', 'more'],
    '{"first,10,5,e,none,o,m","second,20,6,e,none,o,m"}'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '2',
    'a target may have columns called as staging''s own are'
);
SELECT results_eq(
    format(
        'SELECT row_no, class, row_no_value, class_value FROM pgimport_staging.job_%s_rows '
        'ORDER BY row_no', replace(:'job', '-', '')
    ),
    $$VALUES (1::bigint, 'insert', 10, 'first'), (2, 'insert', 20, 'second')$$,
    'the view of its rows shows both'
);
SELECT is(pgimport.insert_job(:'job') ->> 'rows_inserted', '2', 'and it is inserted');
SELECT results_eq(
    'SELECT row_no, class, line_no, extra_1, issues, "Odd ""Name" FROM pgimport_test.odd '
    'ORDER BY row_no',
    $$VALUES (10, 'first', 5, 'e', 'none', 'o'), (20, 'second', 6, 'e', 'none', 'o')$$,
    'each value in its own column'
);

-- mixed headers
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(:'job', '{merchant_id,code,sku}', pgimport_test.code_lines('A'));
SELECT pgimport_test.stage(
    :'job', '{batch_code,code,colour,merchant_id}',
    ARRAY['b-1,B,red,' || pgimport_test.merchant()::text], '{}', 'b.csv'
);
SELECT is(
    pgimport.check_job(:'job') ->> 'clean_count', '2', 'files of one job may have other headers'
);
SELECT pgimport.insert_job(:'job');
SELECT results_eq(
    'SELECT code, sku, batch_code FROM pgimport_test.codes ORDER BY code',
    $$VALUES ('A', 'SKU-1'::varchar(20), NULL::text), ('B', NULL, 'b-1')$$,
    'a column that a file does not have is null in its rows'
);
SELECT is(
    (
        SELECT count(*) FROM pg_catalog.pg_inherits AS i
        WHERE
            i.inhparent = format('pgimport_staging.job_%s', replace(:'job', '-', ''))::regclass
    ),
    2::bigint, 'each file is a partition of the job'
);
SELECT is(
    (
        SELECT
            string_agg(
                pg_catalog.pg_get_expr(c.relpartbound, c.oid), ', ' ORDER BY c.relname
            )
        FROM pg_catalog.pg_class AS c
        WHERE c.relname LIKE concat('job_', replace(:'job', '-', ''), '\_f%') AND c.relkind = 'r'
    ),
    'FOR VALUES IN (1), FOR VALUES IN (2)', 'by its number'
);

SELECT * FROM finish();
ROLLBACK;
