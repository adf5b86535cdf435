-- Makes the table a target of pgimport. Run once, after schema.sql and `pgimport install`.
-- A rollback declares records deleted, and is possible for 24 hours.

SELECT pgimport.register_target(
    'public.bookkeeping_records', 'bookkeeping', '{ebay_order_id}',
    '{"soft_delete": "deleted_at", "rollback_window": "24 hours"}'
);

SELECT pgimport.set_column(
    'bookkeeping', 'ebay_order_id', '{"aliases": ["Order ID"], "required": true}'
);
SELECT pgimport.set_column(
    'bookkeeping', 'sold_on', '{"aliases": ["Sale Date"], "date_formats": ["YYYY-MM-DD"]}'
);
SELECT pgimport.set_column('bookkeeping', 'total', '{"aliases": ["Total Price"]}');
