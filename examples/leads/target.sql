-- Makes the table a target of pgimport. Run once, after schema.sql and `pgimport install`.
-- row_history: which import made or changed which lead stays known, also for leads that are gone.

SELECT pgimport.register_target(
    'public.leads', 'leads', '{email}', '{"row_history": true, "on_duplicate": "update"}'
);

SELECT pgimport.set_column(
    'leads', 'email', '{"required": true, "pattern": "^[^@ ]+@[^@ ]+[.][^@ ]+$"}'
);
SELECT pgimport.set_column('leads', 'phone', '{"sensitive": true}');
SELECT pgimport.set_column('leads', 'budget', '{"decimal_comma": true}');
-- what a salesman has filled in is not overwritten by a file
SELECT pgimport.set_column('leads', 'city', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('leads', 'owner_id', '{"on_update": "keep"}');
