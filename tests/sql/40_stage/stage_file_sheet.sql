BEGIN;
\ir ../setup.psql
SELECT plan(9);
SELECT pgimport_test.codes_target();

-- stages one code from a sheet of one and the same workbook: the number of the file, or PI304
CREATE FUNCTION pgimport_test.stage_sheet(
    p_job_id uuid,
    p_code text,
    p_sheet text
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $stage_sheet$
BEGIN
    RETURN pgimport_test.stage(
        p_job_id, '{merchant_id,code,sku}', pgimport_test.code_lines(p_code),
        jsonb_build_object('sha256', repeat('cd', 32), 'sheet', p_sheet)
    );
EXCEPTION WHEN SQLSTATE 'PI304' THEN
    RETURN SQLSTATE;
END;
$stage_sheet$;

SELECT pgimport_test.new_job() AS job \gset
SELECT is(pgimport_test.stage_sheet(:'job', 'A', 'Jan'), '1', 'a sheet of a workbook is staged');
SELECT is(
    pgimport_test.stage_sheet(:'job', 'B', 'Feb'), '2', 'so is another sheet of the same bytes'
);
SELECT is(pgimport_test.stage_sheet(:'job', 'A', 'Jan'), 'PI304', 'but no sheet twice');
SELECT is(
    jsonb_path_query_array(pgimport.get_job(:'job'), '$.files[*].sheet'), '["Jan", "Feb"]',
    'the job tells which sheets were read'
);

SELECT pgimport.check_job(:'job');
SELECT pgimport.insert_job(:'job');
SELECT pgimport_test.new_job() AS other_job \gset
SELECT is(
    pgimport_test.stage_sheet(:'other_job', 'B', 'Feb'), 'PI304',
    'a sheet that was inserted is refused in another job'
);
SELECT is(
    pgimport_test.stage_sheet(:'other_job', 'C', 'Mar'), '1', 'a sheet that was not is not'
);
SELECT is(
    pgimport_test.stage_sheet(:'other_job', 'D', NULL), '2', 'no sheet is none of them'
);

SELECT throws_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'a.xlsx', '{code}', '{"sheet": 1}')$$, :'other_job'
    ),
    'PI003', NULL, 'a sheet has a name, not a number'
);
SELECT throws_ok(
    format(
        $$SELECT pgimport.stage_file(%L, 'a.xlsx', '{code}', %L)$$,
        :'other_job', jsonb_build_object('sheet', repeat('x', 1001))
    ),
    'PI003', NULL, 'nor one of more than 1000 characters'
);
SELECT * FROM finish();
ROLLBACK;
