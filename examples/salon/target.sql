-- Makes the tables targets of pgimport. Run once, after schema.sql and `pgimport install`.
-- A file that comes again updates what is there by (external_id, organization_id).

SELECT pgimport.register_target(
    'public.clients', 'clients', '{external_id,organization_id}',
    '{"on_duplicate": "update", "rollback_window": "30 days"}'
);
SELECT pgimport.register_target(
    'public.services', 'services', '{external_id,organization_id}',
    '{"on_duplicate": "update", "rollback_window": "30 days"}'
);
SELECT pgimport.register_target(
    'public.appointments', 'appointments', '{external_id,organization_id}',
    '{"on_duplicate": "update", "rollback_window": "30 days"}'
);

-- what people fill in by hand is not overwritten by a file
SELECT pgimport.set_column('clients', 'phone', '{"on_update": "fill_blank"}');
SELECT pgimport.set_column('clients', 'notes', '{"on_update": "keep"}');
-- the first import says where a client came from, and when
SELECT pgimport.set_column('clients', 'import_source', '{"on_update": "keep"}');

SELECT pgimport.set_column(
    'appointments', 'client_external_id', '{"aliases": ["client"], "required": true}'
);
SELECT pgimport.set_column('appointments', 'service_external_id', '{"aliases": ["service"]}');
SELECT pgimport.set_column(
    'appointments', 'starts_at', '{"aliases": ["start"], "date_formats": ["DD/MM/YYYY HH24:MI"]}'
);
