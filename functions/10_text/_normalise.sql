-- What two spellings of one column name have in common: accents, case, spaces and signs are
-- dropped, letters and digits of every script stay ("Prix d'achat" and prix_dAchat are both
-- prixdachat, "Дата " is дата). A name that holds signs alone gives ''.
-- Small letters come by "C" first, so that a Turkish locale leaves the I an i, then by the
-- database's locale; where that is "C", Greek and Cyrillic are spelt out here.
-- Not STRICT, so that the planner can write it out where it is called.
-- Called by _spelling() and _similarity(). Needs a UTF8 database, as normalize() does.
CREATE OR REPLACE FUNCTION pgimport._normalise(
    p_text text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE
    WHEN octet_length(p_text) = length(p_text)
    THEN regexp_replace(lower(p_text COLLATE "C"), '[^a-z0-9]', '', 'g')
    ELSE
        regexp_replace(
            translate(
                replace(replace(replace(replace(replace(
                    lower(lower(normalize(p_text, nfkd) COLLATE "C") COLLATE "default"),
                    'œ', 'oe'
                ), 'Œ', 'oe'), 'æ', 'ae'), 'Æ', 'ae'), 'ß', 'ss') COLLATE "C",
                'øØłŁđĐðÐħĦıςΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ'
                'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЄЂЈЉЊЋЏҐ',
                'oollddddhhiσαβγδεζηθικλμνξοπρστυφχψω'
                'абвгдежзийклмнопрстуфхцчшщъыьэюяієђјљњћџґ'
            ),
            -- signs, spaces and joined accents of ASCII, Latin-1 and Unicode's general blocks
            '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u02b0-\u036f\u2000-\u20cf'
            '\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u30fb\ufe00-\ufe6f\ufeff]',
            '', 'g'
        )
END;

COMMENT ON FUNCTION pgimport._normalise(text) IS
'internal: a column name without case, accents, spaces and signs, to compare spellings.';
