-- Makes public.codes a target of pgimport. Run once, after schema.sql and `pgimport install`.

SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}', '{}');

-- older files call it batch_id
SELECT pgimport.set_column('codes', 'batch_code', '{"aliases": ["batch_id"]}');
SELECT pgimport.set_column('codes', 'merchant_id', '{"aliases": ["merchant"], "required": true}');
SELECT pgimport.set_column('codes', 'code', '{"required": true}');
SELECT pgimport.set_column('codes', 'sku', '{"null_values": ["N/A", "-"]}');
