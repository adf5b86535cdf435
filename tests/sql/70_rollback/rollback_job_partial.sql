BEGIN;
\ir ../setup.psql
\ir items.psql
SELECT plan(20);

SELECT pgimport.register_target('pgimport_test.item', 'items', '{id}', '{}');
INSERT INTO pgimport_test.item (id, name, price, email) VALUES
(1, 'one', 1, 'a@x'), (2, 'two', NULL, 'b@x');
SELECT pgimport_test.items() AS before \gset
SELECT pgimport_test.items_job(
    '{"1,uno,1,a@x","2,due,2,b@x","3,tre,3,c@x","4,quattro,4,d@x","5,cinque,4,"}'
) AS job \gset

CREATE FUNCTION pgimport_test.tokens(p_job_id uuid, VARIADIC p_rows bigint[])
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
AS $tokens$
BEGIN
    RETURN jsonb_build_object('rows', (
        SELECT jsonb_agg(pgimport._row_token(f.token_seed, 1, r))
        FROM pgimport.file AS f, unnest(p_rows) AS r
        WHERE f.job_id = p_job_id
    ));
END;
$tokens$;

-- by values
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job', 'refuse', '{"filter": {"price": ["4", 1]}}'), 'partial',
        'delete', 'restore', 'already_gone'
    ), 'partial=true delete=2 restore=1 already_gone=0', 'a plan can be made for some of the rows'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job', 'refuse', '{"filter": {"price": 4, "email": null}}'),
        'delete', 'restore'
    ), 'delete=1 restore=0', 'all columns of a filter count, null finds nulls'
);
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job', 'refuse', '{"filter": {"price": []}}'), 'delete', 'restore'
    ), 'delete=0 restore=0', 'an empty list finds nothing'
);
SELECT pgimport.rollback_job(:'job', p_options => '{"filter": {"price": 4}}') AS partial \gset
SELECT is(
    pgimport_test.pick(
        :'partial', 'success', 'status', 'partial', 'rows_deleted', 'rows_restored', 'rows_kept'
    ), 'success=true status=completed partial=true rows_deleted=2 rows_restored=0 rows_kept=0',
    'a rollback of some rows leaves the job completed'
);
SELECT matches(:'partial'::jsonb ->> 'message', 'partially rolled back', 'and says what it is');
SELECT is(
    pgimport_test.items(), '1 uno 1.00 none a@x; 2 due 2.00 none b@x; 3 tre 3.00 none c@x',
    'only the rows of the filter have gone'
);
SELECT is(
    pgimport_test.pick(
        pgimport.verify_job(:'job'), 'verified', 'expected_count', 'actual_count', 'modified'
    ), 'verified=true expected_count=3 actual_count=3 modified=0',
    'what is left of the job is verified'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'already_gone'),
    'delete=1 restore=2 already_gone=0', 'the next plan is about the rest'
);

-- by tokens
SELECT is(
    pgimport_test.pick(
        pgimport.plan_rollback(:'job', 'refuse', pgimport_test.tokens(:'job', 2, 3, 4)), 'delete',
        'restore', 'already_gone'
    ), 'delete=1 restore=1 already_gone=0', 'rows can be named by the tokens of the reports'
);
UPDATE pgimport_test.item SET name = 'mine'
WHERE id = 1;
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', p_options => pgimport_test.tokens(:'job', 2, 4)), 'success',
        'rows_deleted', 'rows_restored', 'counts.rows_deleted', 'counts.rows_restored'
    ),
    'success=true rows_deleted=2 rows_restored=1 counts.rows_deleted=2 counts.rows_restored=1',
    'a modified row outside of them stops nothing, the numbers of the job add up'
);
SELECT is(
    pgimport_test.items(), '1 mine 1.00 none a@x; 2 two none b@x; 3 tre 3.00 none c@x',
    'only the named rows went back'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'modified'),
    'delete=1 restore=0 modified=1', 'a row that was restored is not restored again'
);
UPDATE pgimport_test.item SET name = 'twice', price = 2
WHERE id = 2;
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'restore', 'modified'),
    'delete=1 restore=0 modified=1', 'whatever people make of it'
);
UPDATE pgimport_test.item SET name = 'two', price = NULL
WHERE id = 2;

-- the rest
UPDATE pgimport_test.item SET name = 'uno'
WHERE id = 1;
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', p_options => '{"filter": {"id": [1, 3]}}'), 'success',
        'status', 'partial', 'rows_deleted', 'rows_restored'
    ), 'success=true status=rolled_back partial=false rows_deleted=3 rows_restored=2',
    'with its last rows the job is rolled back'
);
SELECT is(pgimport_test.items(), :'before', 'and the table as before it');
SELECT is(
    pgimport_test.pick(pgimport.verify_job(:'job'), 'verified', 'actual_count'),
    'verified=true actual_count=0', 'verified'
);

-- modified rows inside of the part
SELECT pgimport_test.items_job('{"6,sei,6,f@x","7,sette,7,g@x","8,otto,8,h@x"}') AS job \gset
UPDATE pgimport_test.item SET name = 'mine'
WHERE id = 6;
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', 'keep_modified', p_options => '{"filter": {"id": [6, 7]}}'),
        'status', 'rows_deleted', 'rows_kept'
    ), 'status=completed rows_deleted=1 rows_kept=1', 'modes are for the rows of the part alone'
);
SELECT is(
    pgimport_test.pick(pgimport.plan_rollback(:'job'), 'delete', 'modified', 'already_gone'),
    'delete=1 modified=1 already_gone=0', 'a kept row is still one of the job''s'
);

-- tokens without the staged rows
SELECT pgimport_test.tokens(:'job', 3) AS token \gset
SELECT pgimport.clear_staging(:'job');
SELECT throws_ok(
    format('SELECT pgimport.rollback_job(%L, p_options => %L)', :'job', :'token'), 'PI508', NULL,
    'a token means nothing when the staged rows are cleared'
);
SELECT is(
    pgimport_test.pick(
        pgimport.rollback_job(:'job', p_options => '{"filter": {"id": 8}}'), 'success'
    ), 'success=true', 'a filter still does'
);

SELECT * FROM finish();
ROLLBACK;
