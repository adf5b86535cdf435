-- What two spellings of one column name have in common: accents, case, spaces and signs are
-- dropped ("Prix d'achat" and prix_dAchat are both prixdachat). A name without any Latin letter
-- or digit gives '', which equals nothing.
-- Called by suggest_mapping() and _similarity(). Needs a UTF8 database, as normalize() does.
CREATE OR REPLACE FUNCTION pgimport._normalise(
    p_text text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN regexp_replace(
    lower(
        replace(replace(replace(replace(replace(
            normalize(p_text, nfkd) COLLATE "C",
            'Œ', 'oe'
        ), 'œ', 'oe'),
        'Æ', 'ae'), 'æ', 'ae'), 'ß', 'ss')
    ),
    '[^a-z0-9]', '', 'g'
);

COMMENT ON FUNCTION pgimport._normalise(text) IS
'internal: a column name without case, accents, spaces and signs, to compare spellings.';
