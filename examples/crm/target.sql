-- Makes the tables targets of pgimport. Run once, after schema.sql and `pgimport install`.
-- tenant_column: a job is a team's, and so is every row of it.

SELECT pgimport.register_target(
    'crm.company', 'companies', '{team,name}', '{"tenant_column": "team", "label": "Companies"}'
);
SELECT pgimport.register_target(
    'crm.person', 'people', '{team,email}', '{"tenant_column": "team", "label": "People"}'
);
SELECT pgimport.register_target(
    'crm.opportunity', 'opportunities', '{team,reference}',
    '{"tenant_column": "team", "label": "Opportunities"}'
);
SELECT pgimport.register_target(
    'crm.task', 'tasks', '{team,reference}', '{"tenant_column": "team", "label": "Tasks"}'
);
-- notes have no unique key: every row is a note of its own
SELECT pgimport.register_target(
    'crm.note', 'notes', '{person_id,body}',
    '{"tenant_column": "team", "label": "Notes", "on_duplicate": "create"}'
);

-- names in files, ids in the tables
SELECT pgimport.set_column(
    'people', 'company_id',
    '{"aliases": ["company"], "lookup": {"table": "crm.company", "match": "name", "value": "id"}}'
);
SELECT pgimport.set_column(
    'opportunities', 'company_id',
    '{"aliases": ["company"], "lookup": {"table": "crm.company", "match": "name", "value": "id"}}'
);
SELECT pgimport.set_column(
    'notes', 'person_id',
    '{"aliases": ["email"], "lookup": {"table": "crm.person", "match": "email", "value": "id"}}'
);
SELECT pgimport.set_column('tasks', 'due_on', '{"date_formats": ["YYYY-MM-DD", "DD/MM/YYYY"]}');
