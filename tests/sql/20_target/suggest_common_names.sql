-- French and English names of common columns, in both directions.
BEGIN;
\ir ../setup.psql
SELECT plan(31);

-- what the words of the list are and where a header goes on a table of these columns
SELECT is_empty(
    $$SELECT c.spelling FROM pgimport._common_names() AS c
    WHERE c.spelling <> pgimport._spelling(c.spelling) OR c.spelling = ''$$,
    'every common name is written as names are compared'
);
SELECT is_empty(
    $$SELECT c.meaning, c.spelling FROM pgimport._common_names() AS c
    GROUP BY c.meaning, c.spelling HAVING count(*) > 1$$,
    'and stands once in a meaning'
);
SELECT is_empty(
    $$SELECT c.meaning FROM pgimport._common_names() AS c
    GROUP BY c.meaning HAVING bool_and(c.is_weak)$$,
    'no meaning has weak names alone'
);

CREATE FUNCTION pgimport_test.goes_to(p_columns text[], p_header text[])
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $goes_to$
DECLARE
    v_name text := 't' || (SELECT count(*) FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_test'::regnamespace);
    v_answer jsonb;
BEGIN
    EXECUTE format(
        'CREATE TABLE pgimport_test.%I (the_key integer PRIMARY KEY, %s)', v_name,
        (SELECT string_agg(format('%I text', c.name), ', ') FROM unnest(p_columns) AS c (name))
    );
    PERFORM pgimport.register_target(
        format('pgimport_test.%I', v_name)::regclass, v_name, '{the_key}'
    );
    v_answer := pgimport.suggest_mapping(v_name, p_header);
    RETURN (
        SELECT string_agg(
            concat(coalesce(m ->> 'column', '-'), ' ' || (m ->> 'how')), ', '
            ORDER BY (m -> 'position')::integer
        )
        FROM jsonb_array_elements(v_answer -> 'mapping') AS m
    );
END;
$goes_to$;

SELECT is(
    pgimport_test.goes_to(
        '{first_name,last_name,email,phone,mobile,address_line_1,address_line_2,postal_code,city,
          country,company,job_title,birth_date,gender,vat_number,siret,iban,website,notes}',
        ARRAY[
            'Prénom', 'Nom de famille', 'Courriel', 'Téléphone', 'Portable', 'Adresse',
            'Complément d''adresse', 'Code postal', 'Ville', 'Pays', 'Société', 'Fonction',
            'Date de naissance', 'Civilité', 'N° de TVA', 'N° SIRET', 'IBAN', 'Site web',
            'Commentaires'
        ]
    ),
    'first_name alias, last_name alias, email alias, phone alias, mobile alias, '
    'address_line_1 alias, address_line_2 alias, postal_code alias, city alias, country alias, '
    'company alias, job_title alias, birth_date alias, -, vat_number alias, siret alias, '
    'iban normalised, website alias, notes alias',
    'a French header finds an English table; a form of address is no gender'
);
SELECT is(
    pgimport_test.goes_to(
        '{prenom,nom,adresse_mail,tel,portable,rue,cp,ville,pays,societe,poste,datenaissance,sexe,
          numero_tva,siret,site_internet,remarques,quantite,prix,montant,devise,statut,categorie}',
        '{"First Name","Last Name",E-mail,"Phone number","Mobile phone",Street,"ZIP code",City,
          Country,Organization,"Job title","Date of birth",Sex,"VAT no.","SIRET number",URL,Comment,
          Qty,Price,Amount,"Currency code",Status,Category}'
    ),
    'prenom alias, nom alias, adresse_mail alias, tel alias, portable alias, rue alias, cp alias, '
    'ville alias, pays alias, societe alias, poste alias, datenaissance alias, sexe alias, '
    'numero_tva alias, siret alias, site_internet alias, remarques alias, quantite alias, '
    'prix alias, montant alias, devise alias, statut alias, categorie alias',
    'an English header finds a French table'
);
SELECT is(
    pgimport_test.goes_to(
        '{start_date,end_date,external_id,reference,description,unit_price,due_date,created_at}',
        ARRAY[
            'Date de début', 'Date de fin', 'Identifiant externe', 'Réf.', 'Descriptif',
            'Prix unitaire', 'Échéance', 'Date de création'
        ]
    ),
    'start_date alias, end_date alias, external_id alias, reference alias, description alias, '
    'unit_price alias, due_date alias, created_at alias',
    'records and dates, too'
);
SELECT
    is(
        pgimport_test.goes_to('{email}', ARRAY[w.header]), 'email alias',
        format('"%s" is an e-mail address', w.header)
    )
FROM unnest(ARRAY[
        'courriel', 'Adresse mail', 'adresse_e-mail', 'Mél', 'EMAIL_ADDRESS', 'adresse électronique'
    ]) AS w (header);

SELECT is(
    pgimport_test.goes_to('{phone}', '{Portable}'), 'phone alias',
    'a mobile phone is a phone where there is no column for it'
);
SELECT is(
    pgimport_test.goes_to('{phone}', ARRAY['Portable', 'Tél.']), '-, phone alias',
    'but a phone comes first'
);
SELECT is(
    pgimport_test.goes_to('{mobile}', ARRAY['Tél.']), '-', 'and a phone is not a mobile phone'
);
SELECT is(
    pgimport_test.goes_to('{name}', '{Nom}'), 'name alias', '"Nom" is the name where there is one'
);
SELECT is(
    pgimport_test.goes_to('{last_name,first_name}', ARRAY['Nom', 'Prénom']),
    'last_name alias, first_name alias', 'or the last name'
);

-- ranks
SELECT pgimport_test.goes_to('{email,contact}', '{x}');
SELECT pgimport.set_column(t.name, 'contact', '{"aliases": ["Courriel"]}') ->> 'success'
FROM pgimport.list_targets() AS t
ORDER BY length(t.name) DESC, t.name DESC LIMIT 1;
SELECT is(
    (
        SELECT pgimport.suggest_mapping(t.name, '{courriel}') -> 'mapping' -> 0 ->> 'column'
        FROM pgimport.list_targets() AS t
        ORDER BY length(t.name) DESC, t.name DESC LIMIT 1
    ),
    'contact', 'a target''s own alias goes before a common name'
);
SELECT is(
    pgimport_test.goes_to('{email,courriel}', '{courriel}'), 'courriel exact',
    'and so does the name of a column'
);
SELECT is(
    pgimport_test.goes_to('{email}', '{courriel,emails}'), 'email alias, -',
    'a common name goes before likeness'
);

-- no false friends: likeness does not bring together what is known to differ
SELECT
    is(
        pgimport_test.goes_to(ARRAY[w.column_name], ARRAY[w.header]), '-',
        format('"%s" does not go to column "%s"', w.header, w.column_name)
    )
FROM (
    VALUES
    ('last_name', 'First name'), ('surname', 'Name'), ('address_line_1', 'Address line 2'),
    ('max_price', 'Min price'), ('shipping_address', 'Billing address'),
    ('adresse_livraison', 'Adresse facturation'), ('field_2', 'Field 1'),
    ('start_time', 'Start date'), ('country_code', 'Country'), ('net_amount', 'Gross amount'),
    ('city', 'Category')
) AS w (column_name, header);

SELECT * FROM finish();
ROLLBACK;
