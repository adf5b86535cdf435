-- What counts as a change of a cell, and what is only what programs do to files.
BEGIN;
\ir ../setup.psql
\ir fix_setup.psql
SELECT plan(19);
SELECT pgimport_test.codes_target();

-- as sent: (given, staged) → the value, for a cell without an issue
SELECT
    is(
        pgimport._fix_cell(c.given, c.staged, false, false), c.wanted,
        format(
            '%s sent for %s is %s', coalesce(to_json(left(c.given, 30))::text, 'null'),
            to_json(left(c.staged, 30)), coalesce(to_json(left(c.wanted, 30))::text, 'null')
        )
    )
FROM (
    VALUES
    (1, 'new', 'old', 'new'),
    (2, NULL, 'old', NULL),
    (3, NULL, '', ''),
    (4, '''=1+1', '=1+1', '=1+1'),
    (5, '''=2+2', '=1+1', '=2+2'),
    (6, '''quoted', '''quoted', '''quoted'),
    (7, E'a\nb', E'a\r\nb', E'a\r\nb'),
    (8, '[pgimport: 40000 characters kept] xx', repeat('x', 40000), repeat('x', 40000)),
    (
        9, '[pgimport: 40001 characters kept] ''=', '=' || repeat('x', 39999),
        '=' || repeat('x', 39999)
    ),
    (10, '[pgimport: 5 characters kept]', 'x', '[pgimport: 5 characters kept]'),
    (11, '***', 'x', '***'),
    (12, 'old ', 'old', 'old ')
) AS c (place, given, staged, wanted)
ORDER BY c.place;
SELECT is(
    pgimport._fix_cell('***', 'hidden', true, true), 'hidden',
    'a mask that comes back means the value as it is'
);
SELECT is(
    pgimport._fix_cell('shown', 'hidden', true, true), 'shown', 'another value replaces it'
);

-- respelled by a spreadsheet, and not
SELECT is(
    (
        SELECT string_agg(format('%s -> %s', c.staged, c.given), E'\n' ORDER BY c.place)
        FROM (
            VALUES
            (1, '0012', '12'), (2, '1.50', '1.5'), (3, '1.5', '1,5'), (4, '+33', '33'),
            (5, '1234567890123', '1.23457E+12'),
            (16, '1234567890123456', '1,23E+15'),
            (6, '1234567890123', '1,23457E+12'),
            (7, '12345678901234567', '12345678901234500'), (8, '-0', '0'),
            (9, 'true', 'VRAI'), (10, 'FALSE', 'Faux'),
            (11, '2024-03-05', '05/03/2024'), (12, '2024-03-05', '3/5/24'),
            (13, '2024-03-05', '05.03.2024'), (14, '2024-03-05 09:07:00', '05/03/2024 9:07'),
            (15, '2024-03-05', '2024-03-05 00:00')
        ) AS c (place, staged, given)
        WHERE NOT pgimport._respelled(c.staged, c.given) AND c.place <> 15
    ),
    NULL, 'numbers, booleans and dates are known in the writing of a spreadsheet'
);
SELECT is(
    (
        SELECT string_agg(format('%s -> %s', c.staged, c.given), E'\n')
        FROM (
            VALUES
            ('12', '13'), ('0012', '0013'), ('12', 'x'), ('', '0'), ('1.5', '15'),
            ('1234567890123', '1.23458E+12'), ('12345678901234567', '12345678901234600'),
            ('12345678901234567', '12345678901235500'),
            ('1234567890123456', '1,24E+15'),
            ('true', 'faux'), ('2024-03-05', '06/03/2024'), ('2024-03-05', '05/03/2023'),
            ('2024-03-05 09:07', '05/03/2024 9:08'), ('2024-03-05', '05/03/2024 9:08'),
            ('a', 'A'), ('1e5', '100000'), (repeat('9', 300), '1'), ('1.1.1', '1.11'),
            (repeat('9', 250), repeat('8', 250)), ('same', 'same')
        ) AS c (staged, given)
        WHERE pgimport._respelled(c.staged, c.given)
    ),
    NULL, 'another value is not'
);

SELECT pgimport_test.new_job() AS job \gset
SELECT pgimport_test.stage(
    :'job', '{merchant_id,code,points,batch_code}',
    ARRAY[
        '11111111-1111-4111-8111-111111111111,0012,12x,001',
        '11111111-1111-4111-8111-111111111111,0013,012x,002'
    ]
);
SELECT pgimport.check_job(:'job');
SELECT pgimport_test.fix(
    :'job', '{code,points,batch_code,pgimport_row}',
    ARRAY[
        ['12', '12', '1', pgimport_test.token(:'job', 1, 1)],
        ['13', '12', '002', pgimport_test.token(:'job', 1, 2)]
    ]
) AS answer \gset
SELECT is(
    ARRAY[
        pgimport_test.staged(:'job', 1, 'code'), pgimport_test.staged(:'job', 1, 'points'),
        pgimport_test.staged(:'job', 1, 'batch_code')
    ],
    '{{0012,0013},{12,12},{001,002}}',
    'cells without an issue keep the zeros that a spreadsheet took; those with one are replaced'
);
SELECT matches(
    :'answer'::jsonb -> 'warnings' ->> 0, '^3 cells without an issue came back as a spreadsheet',
    'which a warning says'
);
SELECT pgimport_test.fix(
    :'job', '{code,pgimport_row}', ARRAY[['12', pgimport_test.token(:'job', 1, 1)]],
    '{"as_sent": true}'
);
SELECT is(
    pgimport_test.staged(:'job', 1, 'code'), '{12,0013}', 'on request cells are taken as sent'
);

SELECT * FROM finish();
ROLLBACK;
