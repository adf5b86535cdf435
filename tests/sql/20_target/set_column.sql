BEGIN;
\ir ../setup.psql
SELECT plan(28);
SELECT pgimport_test.codes_target();

-- what a rule of one column is refused with
CREATE FUNCTION pgimport_test.refusal(p_column text, p_rules jsonb)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $refusal$
BEGIN
    PERFORM pgimport.set_column('codes', p_column, p_rules);
    RETURN 'accepted';
EXCEPTION
    WHEN OTHERS THEN
        RETURN sqlstate;
END;
$refusal$;

SELECT is(
    pgimport.set_column(
        'codes', 'batch_code',
        '{"aliases": ["batch_id"], "required": true, "trim": false, "null_values": ["N/A"]}'
    ) -> 'rules',
    '{"aliases": ["batch_id"], "required": true, "trim": false, "null_values": ["N/A"]}'::jsonb,
    'the rules come back as they are in force'
);
SELECT is(
    (
        SELECT c.required
        FROM pgimport.target AS t
        CROSS JOIN LATERAL pgimport._target_columns(t.target_id) AS c
        WHERE t.name = 'codes' AND c.column_name = 'batch_code'
    ),
    true, 'a column required by its rules is required'
);
SELECT is(
    pgimport.set_column('codes', 'batch_code', '{"aliases": ["batch"]}') -> 'rules',
    '{"aliases": ["batch"]}'::jsonb, 'new rules replace the earlier ones as a whole'
);
SELECT is(
    (
        SELECT c.rules FROM pgimport.target_column AS c
        WHERE c.column_name = 'batch_code'
    ),
    '{"aliases": ["batch"]}'::jsonb, 'in the table, too'
);
SELECT is(
    pgimport.set_column('codes', 'batch_code', '{}') ->> 'message',
    'the rules of column "batch_code" are cleared', 'an empty object clears them'
);
SELECT is(
    (
        SELECT count(*) FROM pgimport.target_column AS c
        WHERE c.column_name = 'batch_code'
    ),
    0::bigint, 'and leaves nothing behind'
);
SELECT is(
    pgimport.set_column('codes', 'sku', '{"aliases": ["Serial"]}') -> 'warnings' ->> 0,
    'alias "Serial" is also the name of column "serial", which comes first',
    'an alias that is the name of another column is warned of'
);

SELECT is(pgimport_test.refusal('sku', '{"default": "SKU-0"}'), 'accepted', 'a default text');
SELECT is(pgimport_test.refusal('points', '{"default": 5}'), 'accepted', 'a default number');
SELECT is(
    pgimport_test.refusal('activated', '{"default": true}'), 'accepted', 'a default boolean'
);
SELECT is(pgimport_test.refusal('points', '{"default": null}'), 'accepted', 'a default of null');
SELECT is(
    pgimport_test.refusal('points', '{"default": "many"}'), 'PI003',
    'a default must be a value of the column''s type'
);
SELECT is(
    pgimport_test.refusal('sku', '{"default": "123456789012345678901"}'), 'PI003',
    'and not too long for it'
);
SELECT is(
    pgimport_test.refusal('sku', '{"default": ["a"]}'), 'PI003', 'a default is a single value'
);
SELECT is(
    pgimport_test.refusal('sku', '{"aliases": "a"}'), 'PI003', 'aliases are a list'
);
SELECT is(
    pgimport_test.refusal('sku', '{"aliases": [1]}'), 'PI003', 'of texts'
);
SELECT is(
    pgimport_test.refusal('sku', '{"aliases": [" "]}'), 'PI003', 'that are not empty'
);
SELECT is(
    pgimport_test.refusal('sku', '{"null_values": ["", "N/A"]}'), 'accepted',
    'while a null value may be the empty text'
);
SELECT is(
    pgimport_test.refusal('sku', '{"required": "yes"}'), 'PI003', 'required is true or false'
);
SELECT is(
    pgimport_test.refusal('sku', '{"trim": 1}'), 'PI003', 'trim is true or false'
);
SELECT is(
    pgimport_test.refusal('sku', '{"alias": ["a"]}'), 'PI002', 'unknown rules are refused'
);
SELECT is(
    concat_ws(
        ' ', pgimport_test.refusal('sku', '{"on_update": "overwrite"}'),
        pgimport_test.refusal('sku', '{"on_update": "fill_blank"}'),
        pgimport_test.refusal('sku', '{"on_update": "keep"}')
    ),
    'accepted accepted accepted',
    'an update overwrites a value, fills it where it is blank or keeps it'
);
SELECT is(
    concat_ws(
        ' ', pgimport_test.refusal('sku', '{"on_update": "merge"}'),
        pgimport_test.refusal('sku', '{"on_update": true}'),
        pgimport_test.refusal('sku', '{"on_update": null}')
    ),
    'PI003 PI003 PI003', 'and nothing else'
);
SELECT is(
    pgimport_test.refusal('code', '{"on_update": "keep"}'), 'PI003',
    'a column of the key has no such rule: keys are never updated'
);
SELECT is(pgimport_test.refusal('sku', '[]'), 'PI003', 'rules are an object');
SELECT is(pgimport_test.refusal('sku', NULL), 'PI001', 'and are required');
SELECT is(pgimport_test.refusal('nope', '{}'), 'PI206', 'the column must exist');
SELECT is(
    pgimport_test.refusal('import_job_id', '{}') || pgimport_test.refusal('id', '{}'),
    'PI206PI207', 'and be one that a file can fill'
);

SELECT * FROM finish();
ROLLBACK;
