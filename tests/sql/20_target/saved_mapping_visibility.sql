-- Who may save mappings, and whose are followed: one's own and those of administrators.
BEGIN;
\ir ../setup.psql
SELECT plan(13);
SELECT pgimport_test.codes_target();
SELECT r.rolsuper AS may_create_roles FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
\gset
\if :may_create_roles
\ir ../90_admin/roles.psql
SELECT pgimport.grant_usage('pgimport_test_viewer', 'viewer');

CREATE FUNCTION pgimport_test.how_of(p_role text)
RETURNS text
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT pgimport_test.answer_as(p_role, format(
        'SELECT concat(a -> ''mapping'' -> 0 ->> ''column'', '' '', '
        'a -> ''mapping'' -> 0 ->> ''how'') '
        'FROM pgimport.suggest_mapping(''codes'', ''{Wert}'') AS a'
    ));
END;

SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', $$SELECT pgimport.save_mapping(
        'codes', '{Wert}', '{"Wert": "points"}') ->> 'is_shared'$$),
    'false', 'an importer saves mappings for himself'
);
SELECT is(pgimport_test.how_of('pgimport_test_bob'), 'points saved', 'and follows them');
SELECT is(
    pgimport_test.how_of('pgimport_test_ann'), ' ',
    'another importer does not: nobody decides where the data of others go'
);
SELECT is(
    pgimport_test.answer_as(
        'pgimport_test_ann', 'SELECT count(*) FROM pgimport.list_mappings()'
    ), '0', 'nor does he see them'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', $$SELECT pgimport.save_mapping(
        'codes', '{Wert}', '{"Wert": "price"}') ->> 'is_shared'$$),
    'true', 'an administrator saves them for all'
);
SELECT is(pgimport_test.how_of('pgimport_test_ann'), 'price saved', 'who follow them');
SELECT is(pgimport_test.how_of('pgimport_test_viewer'), 'price saved', 'or look at them');
SELECT is(
    pgimport_test.answer_as('pgimport_test_viewer', $$SELECT pgimport.save_mapping(
        'codes', '{Wert}', '{"Wert": "price"}')$$),
    '42501', 'a viewer saves none'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', format(
        'SELECT pgimport.drop_mapping(%s)',
        (SELECT max(m.mapping_id) FROM pgimport.saved_mapping AS m)
    )), 'PI210', 'a mapping for all is not an importer''s to drop'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', $$INSERT INTO pgimport.saved_mapping
        (target_id, fingerprint, version, name, header, mapping, is_shared)
        SELECT t.target_id, 'x', 1, 'x', '{a}', '{}', true FROM pgimport.target AS t
        RETURNING 1$$),
    '42501', 'nor may he say that his is for all'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_ann', $$INSERT INTO pgimport.saved_mapping
        (target_id, fingerprint, version, name, header, mapping, owner_role)
        SELECT t.target_id, 'x', 1, 'x', '{a}', '{}', 'pgimport_test_bob' FROM pgimport.target AS t
        RETURNING 1$$),
    '42501', 'or another one''s'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_bob', format(
        'SELECT pgimport.drop_mapping(%s) ->> ''success''',
        (SELECT min(m.mapping_id) FROM pgimport.saved_mapping AS m)
    )), 'true', 'his own he drops'
);
SELECT is(
    pgimport_test.answer_as('pgimport_test_admin', $$SELECT count(*)
        FROM pgimport.verify_install() AS v, jsonb_array_elements(v -> 'checks') AS c
        WHERE NOT (c -> 'ok')::boolean$$),
    '0', 'and the install is as it should be'
);
\else
SELECT skip('roles are made by a superuser', 13);
\endif

SELECT * FROM finish();
ROLLBACK;
