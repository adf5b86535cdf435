-- Values of sensitive columns are not shown, wherever rows are.
BEGIN;
\ir ../setup.psql
SELECT plan(7);

SELECT pgimport_test.codes_target();
INSERT INTO pgimport_test.codes (merchant_id, code, serial, points)
VALUES (pgimport_test.merchant(), 'OLD', 'secret-0', 77777);
SELECT pgimport.set_column('codes', 'serial', '{"sensitive": true}');
SELECT pgimport.set_column('codes', 'points', '{"sensitive": true}');
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,serial,points}',
    ARRAY[
        pgimport_test.merchant() || ',A,secret-1,88888', pgimport_test.merchant() || ',B,,',
        pgimport_test.merchant() || ',OLD,secret-2,88888',
        pgimport_test.merchant() || ',C,secret-3,secret-4'
    ]
);
SELECT pgimport.check_job(:'job') AS checked \gset
SELECT pgimport.preview_job(:'job') AS answer \gset

SELECT is(
    :'answer'::jsonb #> '{rows,0,values}',
    jsonb_build_object(
        'merchant_id', pgimport_test.merchant(), 'code', 'A', 'serial', '***', 'points', '***'
    ),
    'a sensitive value is shown as ***'
);
SELECT is(
    :'answer'::jsonb #> '{rows,1,values,serial}', 'null'::jsonb, 'that there is none is shown'
);
SELECT is(
    :'answer'::jsonb #> '{rows,2,changes}',
    '{"serial": {"old": "***", "new": "***"}, "points": {"old": "***", "new": "***"}}'::jsonb,
    'that it changes is shown, but not from what nor to what'
);
SELECT is(
    :'answer'::jsonb #>> '{rows,3,values,points}', '***', 'a row that is invalid hides it, too'
);
SELECT
    doesnt_match(:'answer'::text, 'secret|77777|88888', 'no such value is anywhere in the preview');
SELECT doesnt_match(:'checked'::text, 'secret|77777|88888', 'nor in what the check says');
CREATE FUNCTION pgimport_test.text_of_view(p_job_id uuid)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text;
BEGIN
    EXECUTE format(
        'SELECT string_agg(r::text, '' '') FROM pgimport_staging.job_%s_rows AS r',
        replace(p_job_id::text, '-', '')
    ) INTO v_text;
    RETURN v_text;
END;
$$;
SELECT doesnt_match(
    pgimport_test.text_of_view(:'job'), 'secret|77777|88888', 'nor in the view of the rows'
);

SELECT * FROM finish();
ROLLBACK;
