BEGIN;
\ir ../setup.psql
SELECT plan(37);

-- names
SELECT is(pgimport._normalise('Order ID'), 'orderid', 'case and spaces are dropped');
SELECT is(pgimport._normalise('Prix d''achat (€)'), 'prixdachat', 'so are signs');
SELECT is(
    pgimport._normalise('Numéro_Œuvre'), 'numerooeuvre', 'accents and ligatures are spelt out'
);
SELECT is(
    pgimport._normalise('Nume' || chr(769) || 'ro'), pgimport._normalise('Numéro'),
    'composed and decomposed letters are the same'
);
SELECT is(pgimport._normalise('订单 (1)'), '订单1', 'letters and digits of every script stay');
SELECT is(
    pgimport._normalise('Дата Рождения / ΗΜΕΡΟΜΗΝΊΑ'), 'датарождения' || 'ημερομηνια',
    'capitals of other alphabets are small letters, too, whatever the locale'
);
SELECT is(
    pgimport._normalise(E'\uFEFFＩＤ\u200B – Øre'), 'idore',
    'marks that nobody sees, dashes and wide letters are dropped or made plain'
);
SELECT is(pgimport._normalise('% (€)'), '', 'nothing is left of signs alone');
SELECT is(pgimport._spelling(' % '), '%', 'which are then compared as they are');
SELECT is(pgimport._spelling('Order_ID'), 'orderid', 'while others are compared normalised');

-- likeness: values of Python's difflib.SequenceMatcher(None, a, b, False).ratio()
SELECT is(
    round(pgimport._similarity('Order ID', 'ebay_order_id')::numeric, 4), 0.7778,
    'likeness of "Order ID" and ebay_order_id'
);
SELECT is(round(pgimport._similarity('abcd', 'bcde')::numeric, 4), 0.7500, 'abcd and bcde');
SELECT is(
    round(pgimport._similarity('merchant', 'merhcant')::numeric, 4), 0.8750, 'letters exchanged'
);
SELECT is(round(pgimport._similarity('qabxcd', 'abycdf')::numeric, 4), 0.6667, 'two blocks');
SELECT is(
    round(pgimport._similarity('aabaab', 'baabaa')::numeric, 4), 0.8333, 'repeated letters'
);
SELECT is(pgimport._similarity('abc', 'xyz'), 0::real, 'nothing in common');
SELECT is(pgimport._similarity('', ''), 0::real, 'two empty names have nothing in common');
SELECT is(pgimport._similarity('Code', 'code'), 1::real, 'the same name in another case');

-- formulas
SELECT is(pgimport._neutralise('=1+1'), '''=1+1', 'a formula gets an apostrophe');
SELECT is(pgimport._neutralise('a=1'), 'a=1', 'other values stay as they are');
SELECT is(pgimport._neutralise(NULL), NULL, 'null stays null');
SELECT is(
    (
        SELECT array_agg(v ORDER BY v)
        FROM unnest(ARRAY[
                '=', '+', '-', '@', e'\tx', e'\rx', '＝1', '＋1', '－1', '＠1', '''', '''=1'
            ]) AS v
        WHERE left(pgimport._neutralise(v), 1) <> ''''
            OR left(pgimport._neutralise(v), 1) = left(v, 1) AND length(v) = length(
                pgimport._neutralise(v)
            )
    ),
    NULL, 'every way to begin a formula is neutralised'
);
SELECT is(
    (
        SELECT count(*)
        FROM unnest(ARRAY[
                '', '=', '''', '''''', '''=', 'a', '''a', '＝', '＋', '－', '＠', e'\t', e'\r', '-5'
            ]) AS v
        WHERE pgimport._unneutralise(pgimport._neutralise(v)) <> v
    ),
    0::bigint, 'and every value comes back as it was'
);
SELECT is(pgimport._unneutralise('''a'), '''a', 'an apostrophe of the data itself stays');

-- job ids
SELECT matches(
    pgimport._new_job_id()::text, '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-',
    'a job id is a UUID of version 7'
);
SELECT is(
    (
        SELECT bool_and(i.id > i.before)
        FROM (
            SELECT n.id, lag(n.id) OVER (ORDER BY n.place) AS before
            FROM (
                SELECT g AS place, pgimport._new_job_id() AS id FROM generate_series(1, 1000) AS g
            ) AS n
        ) AS i
    ),
    true, 'later ids are greater'
);

-- issues
SELECT is(
    pgimport._issue_message('bad_integer', '1.5', NULL), '"1.5" is not an integer',
    'a message shows the value'
);
SELECT is(
    pgimport._issue_message('too_long', repeat('x', 100), '20'),
    format('"%s…" is too long: at most 20 characters', repeat('x', 79)),
    'or its beginning, with the fact of the code'
);
SELECT is(
    pgimport._issue_message('check:price_check', '', 'CHECK (price > 0)'),
    'the row violates the constraint "price_check": CHECK (price > 0)',
    'a constraint is named'
);
SELECT is(
    pgimport._issue_message('ragged_row', 'a,b', NULL), 'wrong number of fields',
    'without a fact there is no colon'
);
SELECT is(
    pgimport._issue_message('bad_value', '{value} {detail}', 'inet'),
    '"{value} {detail}" is not a value of type inet', 'a value is never taken for a placeholder'
);
SELECT is(
    pgimport._issue_hint('required'), 'Fill in a value, or give the column a default.',
    'a hint says what to do'
);
SELECT set_config('pgimport.language', 'fr', true);
SELECT is(
    pgimport._issue_message('bad_integer', '1.5', NULL), '« 1.5 » n''est pas un nombre entier',
    'messages in French'
);
SELECT is(
    pgimport._issue_hint('check:price_check'), 'Corrigez la ligne.', 'and hints'
);
SELECT is(
    (
        SELECT count(*)
        FROM unnest('{required,bad_integer,bad_numeric,bad_date,bad_uuid,bad_boolean,bad_value,
            too_long,not_allowed,pattern,out_of_range,check,foreign_key,unique,excel_damage,
            ragged_row,bad_encoding,nul_byte,duplicate_in_file,duplicate_in_table}'::text[]) AS c
        WHERE pgimport._issue_text(c, true) = pgimport._issue_text(c, false)
            OR pgimport._issue_text(c, true) = pgimport._issue_text('unknown', true)
            OR pgimport._issue_text(c, false) = pgimport._issue_text('unknown', false)
    ),
    0::bigint, 'every code has its own text in both languages'
);

-- JSON arguments
SELECT throws_ok(
    $$SELECT pgimport._require_keys('{"a": 1, "c": 2}', '{a,b}', 'the options')$$,
    'PI002', 'unknown key "c" in the options', 'an unknown key is named'
);
SELECT throws_ok(
    $$SELECT pgimport._require_keys('[]', '{a}', 'the options')$$,
    'PI003', NULL, 'anything but an object is refused'
);

SELECT * FROM finish();
ROLLBACK;
