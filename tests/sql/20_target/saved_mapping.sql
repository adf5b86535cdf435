-- Mappings kept by header: versions, tenants, what stage_file() makes of them.
BEGIN;
\ir ../setup.psql
SELECT plan(46);
SELECT pgimport_test.codes_target();

-- where the fields of an answer go: "header > column (how)"
CREATE FUNCTION pgimport_test.fields(p_answer jsonb)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $fields$
BEGIN
    RETURN (
        SELECT string_agg(
            concat(m ->> 'header', ' > ', coalesce(m ->> 'column', m ->> 'transform', '-'),
                ' (' || (m ->> 'how') || ')'), ', ' ORDER BY (m -> 'position')::integer
        )
        FROM jsonb_array_elements(p_answer -> 'mapping') AS m
    );
END;
$fields$;

-- saving
SELECT pgimport.save_mapping(
    'codes', '{Merchant,Voucher,Sku}',
    '{"Merchant": "merchant_id", "Voucher": "code", "Sku": null}',
    '{"name": "export of the shop"}'
) AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'success', 'name', 'version', 'existing', 'tenant', 'message'
    ),
    'success=true name=export of the shop version=1 existing=false tenant=null '
    'message=mapping "export of the shop", version 1, is saved',
    'a mapping is saved under a name, as version 1'
);
SELECT is(
    pgimport_test.pick(pgimport.save_mapping(
        'codes', '{Merchant,Voucher,Sku}',
        '{"Voucher": "code", "Merchant": "merchant_id", "Sku": null}'
    ), 'version', 'existing', 'name'),
    'version=1 existing=true name=export of the shop', 'the same again changes nothing'
);

-- following
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{Merchant,Voucher,Sku}') AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'),
    'Merchant > merchant_id (saved), Voucher > code (saved), Sku > - (saved)',
    'a file with that header follows it'
);
SELECT is(
    :'answer'::jsonb -> 'warnings',
    '["the saved mapping \"export of the shop\", version 1 was used"]'::jsonb, 'and says so'
);
SELECT is(
    pgimport_test.fields(
        pgimport.stage_file(:'job', 'b.csv', ARRAY['MERCHANT', ' voucher', 'Ｓｋｕ'])
    ),
    'MERCHANT > merchant_id (saved),  voucher > code (saved), Ｓｋｕ > - (saved)',
    'in any spelling of the names'
);
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'c.csv', '{Voucher,Merchant,Sku}')),
    'Voucher > -, Merchant > merchant_id (similarity), Sku > sku (normalised)',
    'but not in another order'
);
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'd.csv', '{Merchant,Voucher}')),
    'Merchant > merchant_id (similarity), Voucher > -', 'nor with fewer fields'
);
SELECT is(
    pgimport_test.fields(pgimport.suggest_mapping('codes', '{Merchant,Voucher,Sku}')),
    'Merchant > merchant_id (saved), Voucher > code (saved), Sku > - (saved)',
    'a suggestion is what would become of the file'
);
SELECT is(
    pgimport.suggest_mapping('codes', '{Merchant,Voucher,Sku}') -> 'missing_required', '[]'::jsonb,
    'nothing that the saved mapping gives is missing'
);

-- what a job says itself goes before it
SELECT pgimport.stage_file(
    :'job', 'e.csv', '{Merchant,Voucher,Sku}', '{"mapping": {"Voucher": "serial"}}'
) AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'),
    'Merchant > merchant_id (similarity), Voucher > serial (given), Sku > sku (normalised)',
    'a mapping of the file goes before the saved one'
);
SELECT is(
    :'answer'::jsonb -> 'warnings' ->> 0,
    'the saved mapping "export of the shop", version 1 was not used: the job has its own',
    'and that is told'
);
SELECT pgimport_test.new_job('{"mapping": {}}') AS job \gset
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'a.csv', '{Merchant,Voucher,Sku}')),
    'Merchant > merchant_id (similarity), Voucher > -, Sku > sku (normalised)',
    'an empty mapping of the job leaves all to the names'
);

-- constants go before a saved mapping, too
SELECT pgimport_test.new_job('{"constants": {"code": "X"}}') AS job \gset
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'a.csv', '{Merchant,Voucher,Sku}')),
    'Merchant > merchant_id (saved), Voucher > - (constant), Sku > - (saved)',
    'a constant of the job goes before a saved mapping'
);

-- versions
SELECT is(
    pgimport_test.pick(pgimport.save_mapping(
        'codes', '{Merchant,Voucher,Sku}', '{"Voucher": "serial"}'
    ), 'version', 'existing', 'name'),
    'version=2 existing=false name=export of the shop', 'another mapping is another version'
);
SELECT pgimport_test.new_job() AS job \gset
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'a.csv', '{Merchant,Voucher,Sku}')),
    'Merchant > merchant_id (similarity), Voucher > serial (saved), Sku > sku (normalised)',
    'the newest counts; what it does not say is left to the names'
);
SELECT results_eq(
    $$SELECT m.name, m.version, m.is_used, m.target_name
    FROM pgimport.list_mappings('codes') AS m$$,
    $$VALUES ('export of the shop', 2, true, 'codes'), ('export of the shop', 1, false, 'codes')$$,
    'all versions are listed, the newest first'
);
SELECT results_eq(
    $$SELECT m.version FROM pgimport.list_mappings('codes', NULL, (
        SELECT max(l.mapping_id) FROM pgimport.list_mappings() AS l
    )) AS m$$,
    '{1}'::integer[], 'page by page'
);
SELECT is(
    pgimport_test.pick(pgimport.drop_mapping((
        SELECT max(l.mapping_id) FROM pgimport.list_mappings() AS l
    )), 'success', 'version', 'message'),
    'success=true version=2 message=mapping "export of the shop", version 2, is dropped',
    'a version is dropped'
);
SELECT is(
    pgimport_test.fields(pgimport.suggest_mapping('codes', '{Merchant,Voucher,Sku}')),
    'Merchant > merchant_id (saved), Voucher > code (saved), Sku > - (saved)',
    'and the one before it counts again'
);

-- tenants
SELECT pgimport.save_mapping(
    'codes', '{Merchant,Voucher,Sku}', '{"Voucher": "batch_code"}', '{"tenant": "north"}'
);
SELECT pgimport_test.new_job('{"tenant": "north"}') AS north \gset
SELECT pgimport_test.new_job('{"tenant": "south"}') AS south \gset
SELECT matches(
    pgimport_test.fields(pgimport.stage_file(:'north', 'a.csv', '{Merchant,Voucher,Sku}')),
    'Voucher > batch_code \(saved\)', 'a tenant has mappings of its own'
);
SELECT matches(
    pgimport_test.fields(pgimport.stage_file(:'south', 'a.csv', '{Merchant,Voucher,Sku}')),
    'Voucher > code \(saved\)', 'which are not another one''s: that follows the one for all'
);
SELECT is(
    (SELECT count(*) FROM pgimport.list_mappings('codes', 'north')), 1::bigint,
    'they can be listed alone'
);

-- from a job
SELECT pgimport_test.new_job('{"tenant": "east", "constants": {"points": 5}}') AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{M,V,Who,pts,V}', '{"mapping": {"M": "merchant_id",
    "V": "code", "Who": {"split": " ", "columns": ["serial", "batch_code"]}, "pts": "points"}}');
SELECT pgimport.stage_file(:'job', 'b.csv', '{code,sku}');
SELECT pgimport.save_job_mapping(:'job') AS answer \gset
SELECT is(
    pgimport_test.pick(
        :'answer'::jsonb, 'success', 'message', 'saved.0.file_no', 'saved.0.tenant', 'saved.0.name',
        'saved.1.file_no', 'saved.1.version'
    ),
    'success=true message=2 mappings kept for later files saved.0.file_no=1 saved.0.tenant=east '
    'saved.0.name=M, V, Who, pts, V saved.1.file_no=2 saved.1.version=1',
    'the mappings of a job''s files are kept, for its tenant, under their headers'
);
SELECT is(
    (
        SELECT m.mapping FROM pgimport.list_mappings('codes', 'east') AS m
        WHERE m.header = '{M,V,Who,pts,V}'
    ),
    '{"M": "merchant_id", "V": "code",
      "Who": {"split": " ", "columns": ["serial", "batch_code"]}}'::jsonb,
    'with their transforms, without what was a matter of that job'
);
SELECT pgimport_test.new_job('{"tenant": "east"}') AS job \gset
SELECT is(
    pgimport_test.fields(pgimport.stage_file(:'job', 'a.csv', '{M,V,Who,pts,V}')),
    'M > merchant_id (saved), V > code (saved), '
    'Who > {"split": " ", "columns": ["serial", "batch_code"]} (saved), pts > -, V > -',
    'and are followed by the tenant''s next file'
);
SELECT is(
    pgimport_test.pick(
        pgimport.save_job_mapping(:'job', '{"name": "all", "tenant": null, "file_no": 1}'),
        'saved.0.tenant', 'saved.0.name', 'saved.1'
    ),
    'saved.0.tenant=null saved.0.name=all saved.1=null',
    'one file of a job alone, and for every tenant, if asked'
);

-- a table that changed since
SELECT pgimport.save_mapping('codes', '{alpha,beta}', '{"alpha": "serial", "beta": "code"}');
ALTER TABLE pgimport_test.codes RENAME COLUMN serial TO serial_no;
SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport.stage_file(:'job', 'a.csv', '{alpha,beta}') AS answer \gset
SELECT is(
    pgimport_test.fields(:'answer'), 'alpha > -, beta > -',
    'a saved mapping that does not fit the table any more is left out'
);
SELECT is(
    :'answer'::jsonb -> 'warnings' ->> 0,
    'the saved mapping "alpha, beta", version 1 was not used: '
    'column "serial" does not exist in the target', 'and it is told why'
);
ALTER TABLE pgimport_test.codes RENAME COLUMN serial_no TO serial;

-- odd headers
SELECT lives_ok(
    $$SELECT pgimport.save_mapping('codes', ARRAY['', NULL, '%', '订单', 'x', 'x'],
        '{"订单": "code", "%": "price", "x": null}')$$,
    'a header may hold anything'
);
SELECT is(
    pgimport_test.fields(
        pgimport.stage_file(:'job', 'o.csv', ARRAY['', NULL, '%', '订单', 'x', 'x'])
    ),
    ' > -,  > -, % > price (saved), 订单 > code (saved), x > - (saved), x > -',
    'and is recognised'
);

-- misuse
SELECT throws_ok(w.statement, w.code, NULL, w.why)
FROM (
    VALUES
    ($$SELECT pgimport.save_mapping('nope', '{a}', '{}')$$, 'PI201', 'a target is required'),
    ($$SELECT pgimport.save_mapping('codes', '{}', '{}')$$, 'PI001', 'and a header'),
    ($$SELECT pgimport.save_mapping('codes', '{a}', NULL)$$, 'PI001', 'and a mapping'),
    ($$SELECT pgimport.save_mapping('codes', '{a}', '["code"]')$$, 'PI003', 'that is an object'),
    (
        $$SELECT pgimport.save_mapping('codes', '{a}', '{"b": "code"}')$$, 'PI003',
        'of fields of the header'
    ),
    (
        $$SELECT pgimport.save_mapping('codes', '{a}', '{"a": "nope"}')$$, 'PI206',
        'to columns that are there'
    ),
    (
        $$SELECT pgimport.save_mapping('codes', '{a,b}', '{"a": "code", "b": "code"}')$$,
        'PI207', 'each of them once'
    ),
    (
        $$SELECT pgimport.save_mapping('codes', '{a}', '{"a": "code"}', '{"tenent": "x"}')$$,
        'PI002', 'an unknown option is refused'
    ),
    (
        $$SELECT pgimport.save_mapping('codes', '{a}', '{"a": "code"}', '{"name": " "}')$$,
        'PI003', 'so is a name without letters'
    ),
    ('SELECT pgimport.save_job_mapping(NULL)', 'PI001', 'a job is required'),
    (
        format('SELECT pgimport.save_job_mapping(%L, ''{"file_no": 99}'')', :'job'), 'PI301',
        'with such a file'
    ),
    (
        format('SELECT pgimport.save_job_mapping(%L, ''{"file_no": "a"}'')', :'job'), 'PI003',
        'named by a number'
    ),
    ('SELECT pgimport.drop_mapping(NULL)', 'PI001', 'a mapping to drop is required'),
    ('SELECT pgimport.drop_mapping(-1)', 'PI210', 'one that is there'),
    ($$SELECT pgimport.list_mappings('nope')$$, 'PI201', 'of a target that is there'),
    ('SELECT pgimport.list_mappings(NULL, NULL, NULL, 0)', 'PI003', 'a page has rows')
) AS w (statement, code, why);

SELECT * FROM finish();
ROLLBACK;
