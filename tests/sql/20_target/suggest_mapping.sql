BEGIN;
\ir ../setup.psql
SELECT plan(24);

CREATE TABLE pgimport_test.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ebay_order_id text NOT NULL UNIQUE,
    batch_code text,
    price numeric NOT NULL,
    note text,
    nota text,
    "Prix d'achat" numeric, -- noqa: RF05
    quantity integer NOT NULL DEFAULT 1,
    "订单" text, -- noqa: RF06
    import_job_id uuid
);
SELECT pgimport.register_target('pgimport_test.orders', 'orders', '{ebay_order_id}');
SELECT pgimport.set_column('orders', 'batch_code', '{"aliases": ["batch_id", "Los-Nr."]}');

-- "header > column (how)" of each field
CREATE FUNCTION pgimport_test.mapped(p_header text[], p_threshold real DEFAULT 0.7)
RETURNS text
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT
        string_agg(
            concat(m ->> 'header', ' > ', m ->> 'column', ' (' || (m ->> 'how') || ')'), '; '
            ORDER BY (m -> 'position')::integer
        )
    FROM jsonb_array_elements(
            pgimport.suggest_mapping('orders', p_header, p_threshold) -> 'mapping'
        ) AS m;
END;

SELECT is(pgimport_test.mapped('{price}'), 'price > price (exact)', 'the same name is exact');
SELECT is(
    pgimport_test.mapped(ARRAY[' Price ', 'prix_DACHAT', 'EbayOrderID']),
    ' Price  > price (normalised); prix_DACHAT > Prix d''achat (normalised); '
    'EbayOrderID > ebay_order_id (normalised)',
    'case, spaces, signs, accents and humps do not matter'
);
SELECT is(
    pgimport_test.mapped('{batch_id}'), 'batch_id > batch_code (alias)', 'an alias is followed'
);
SELECT is(
    pgimport_test.mapped('{LOS NR}'), 'LOS NR > batch_code (alias)', 'in any spelling'
);
SELECT is(
    pgimport_test.mapped('{Order ID}'), 'Order ID > ebay_order_id (similarity)',
    'a name that is alike is found'
);
SELECT is(
    pgimport.suggest_mapping('orders', '{Order ID}') -> 'mapping' -> 0,
    '{"position": 1, "header": "Order ID", "column": "ebay_order_id", "score": 0.778,
      "how": "similarity"}'::jsonb,
    'with its score'
);
SELECT is(
    pgimport_test.mapped('{Order ID}', 0.8), 'Order ID > ',
    'a higher threshold asks for more'
);
SELECT is(
    pgimport_test.mapped('{订单}'), '订单 > 订单 (exact)', 'names without Latin letters are compared too'
);
SELECT is(
    pgimport_test.mapped('{批次}'), '批次 > ', 'and are not all the same'
);
SELECT is(
    pgimport_test.mapped('{batch_id,batch_code}'),
    'batch_id > ; batch_code > batch_code (exact)',
    'the column''s own name goes before its alias'
);
SELECT is(
    pgimport_test.mapped('{PRICE,price}'), 'PRICE > ; price > price (exact)',
    'an exact name goes before a normalised one'
);
SELECT is(
    pgimport_test.mapped('{id,import_job_id}'), 'id > ; import_job_id > ',
    'columns that the database or pgimport writes take no field'
);
SELECT is(
    pgimport_test.mapped('{pricee,prices}', 0.6), 'pricee > price (similarity); prices > ',
    'a column takes one field, at a tie the first'
);
SELECT is(
    pgimport.suggest_mapping('orders', '{pricee,prices}') -> 'warnings',
    '["column \"price\" is as like field \"prices\" as field \"pricee\", which was chosen"]'::jsonb,
    'and the tie is told'
);
SELECT is(
    pgimport.suggest_mapping('orders', '{not}') -> 'warnings',
    '["field \"not\" is as like column \"nota\" as column \"note\", which was chosen"]'::jsonb,
    'as is one between two columns'
);

SELECT
    pgimport.suggest_mapping('orders', ARRAY['price', '', NULL, 'x', 'price']) AS answer
\gset
SELECT is(
    :'answer'::jsonb -> 'unmapped', '["", null, "x", "price"]'::jsonb,
    'what goes nowhere is listed'
);
SELECT is(
    :'answer'::jsonb -> 'missing_required', '["ebay_order_id"]'::jsonb,
    'so are required columns without a field; those with a default are not missing'
);
SELECT is(
    :'answer'::jsonb -> 'warnings',
    '["field 2 has no name and is not imported", "field 3 has no name and is not imported",
      "field \"price\" stands twice, at 1 and 5: the second is not imported"]'::jsonb,
    'fields without a name and repeated fields are warned of'
);
SELECT is(:'answer'::jsonb ->> 'target', 'pgimport_test.orders', 'the envelope is there');

SELECT throws_ok(
    $$SELECT pgimport.suggest_mapping('orders', '{}')$$, 'PI001', NULL, 'a header is required'
);
SELECT throws_ok(
    $$SELECT pgimport.suggest_mapping('orders', '{a}', 1.1)$$, 'PI003', NULL,
    'the threshold is at most 1'
);
SELECT throws_ok(
    $$SELECT pgimport.suggest_mapping('orders', '{a}', NULL)$$, 'PI003', NULL,
    'and a number'
);
SELECT throws_ok(
    $$SELECT pgimport.suggest_mapping('nope', '{a}')$$, 'PI201', NULL,
    'the target must be registered'
);

-- speed: sixty fields on sixty columns, none of them the same
DO $wide$
BEGIN
    EXECUTE format(
        'CREATE TABLE pgimport_test.wide (%s, PRIMARY KEY (some_column_1))',
        (SELECT string_agg(format('some_column_%s text', i), ', ') FROM generate_series(1, 60) AS i)
    );
END;
$wide$;
SELECT pgimport.register_target('pgimport_test.wide', 'wide', '{some_column_1}');
SELECT extract(EPOCH FROM clock_timestamp()) AS begun \gset
SELECT pgimport.suggest_mapping(
    'wide', (SELECT array_agg('other columns ' || i) FROM generate_series(101, 160) AS i)
);
SELECT cmp_ok(
    extract(EPOCH FROM clock_timestamp()) - :begun, '<', 2.0,
    'sixty unknown fields are compared with sixty columns in well under two seconds'
);

SELECT * FROM finish();
ROLLBACK;
