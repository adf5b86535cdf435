-- The catalogue of what is said to people about their data, in the language of the setting
-- pgimport.language: 'en' (default) or 'fr'. One line a code; {detail} is a fact of the code: the
-- type, the greatest length, the list, the range, the pattern, the constraint's definition, the
-- numbers of fields.
-- Called for every issue that is recorded.

-- Texts before the value is put in. p_code is the word before a colon, as in check:<constraint>.
CREATE OR REPLACE FUNCTION pgimport._issue_text(
    p_code text,
    p_french boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE WHEN p_french THEN
        CASE p_code
            WHEN 'required' THEN 'valeur obligatoire manquante'
            WHEN 'bad_integer' THEN '« {value} » n''est pas un nombre entier'
            WHEN 'bad_numeric' THEN '« {value} » n''est pas un nombre'
            WHEN 'bad_date' THEN '« {value} » n''est pas une date valide'
            WHEN 'ambiguous_date' THEN '« {value} » peut désigner plusieurs dates : {detail}'
            WHEN 'bad_uuid' THEN '« {value} » n''est pas un UUID'
            WHEN 'bad_boolean' THEN '« {value} » n''est ni vrai ni faux'
            WHEN 'bad_value' THEN '« {value} » n''est pas une valeur du type {detail}'
            WHEN 'too_long' THEN '« {value} » est trop long : {detail} caractères au plus'
            WHEN 'not_allowed'
            THEN '« {value} » n''est pas une valeur permise : {detail}'
            WHEN 'pattern' THEN '« {value} » n''a pas la forme attendue : {detail}'
            WHEN 'out_of_range' THEN '« {value} » est hors limites : {detail}'
            WHEN 'check' THEN 'la ligne ne respecte pas la contrainte « {constraint} » : {detail}'
            WHEN 'foreign_key'
            THEN '« {value} » n''existe pas dans la table référencée : {detail}'
            WHEN 'index'
            THEN 'l''index « {constraint} » ne peut contenir la ligne : {detail}'
            WHEN 'generated'
            THEN 'la colonne « {constraint} » ne peut être calculée : {detail}'
            WHEN 'no_partition' THEN 'la table n''a pas de partition pour « {value} »'
            WHEN 'exclusion'
            THEN '« {value} » est en conflit avec une autre ligne : contrainte « {constraint} »'
            WHEN 'unique' THEN '« {value} » existe déjà : contrainte « {constraint} »'
            WHEN 'not_found' THEN '« {value} » est introuvable'
            WHEN 'ambiguous_reference' THEN '« {value} » désigne plusieurs valeurs'
            WHEN 'excel_damage' THEN '« {value} » semble abîmé par un tableur'
            WHEN 'ragged_row' THEN 'nombre de champs inattendu : {detail}'
            WHEN 'bad_encoding' THEN 'octets invalides dans l''encodage du fichier : {detail}'
            WHEN 'nul_byte' THEN 'la ligne contient un octet nul'
            WHEN 'bad_quote' THEN 'guillemets mal placés : {detail}'
            WHEN 'bad_json' THEN 'la ligne n''est pas du JSON valide : {detail}'
            WHEN 'bad_record' THEN 'l''enregistrement n''est pas un objet : {detail}'
            WHEN 'duplicate_key' THEN 'une clé figure deux fois dans l''enregistrement : {detail}'
            WHEN 'no_value' THEN 'une formule n''a pas de résultat enregistré : {detail}'
            WHEN 'duplicate_in_file'
            THEN 'la clé « {value} » figure déjà dans les fichiers : {detail}'
            WHEN 'duplicate_in_table' THEN 'la clé « {value} » existe déjà dans la table'
            ELSE '« {value} » n''est pas accepté : {detail}'
        END
    ELSE
        CASE p_code
            WHEN 'required' THEN 'a value is required'
            WHEN 'bad_integer' THEN '"{value}" is not an integer'
            WHEN 'bad_numeric' THEN '"{value}" is not a number'
            WHEN 'bad_date' THEN '"{value}" is not a valid date'
            WHEN 'ambiguous_date' THEN '"{value}" can be read as several dates: {detail}'
            WHEN 'bad_uuid' THEN '"{value}" is not a UUID'
            WHEN 'bad_boolean' THEN '"{value}" is neither true nor false'
            WHEN 'bad_value' THEN '"{value}" is not a value of type {detail}'
            WHEN 'too_long' THEN '"{value}" is too long: at most {detail} characters'
            WHEN 'not_allowed'
            THEN '"{value}" is not one of the allowed values: {detail}'
            WHEN 'pattern' THEN '"{value}" does not match the pattern: {detail}'
            WHEN 'out_of_range' THEN '"{value}" is out of range: {detail}'
            WHEN 'check' THEN 'the row violates the constraint "{constraint}": {detail}'
            WHEN 'foreign_key'
            THEN '"{value}" does not exist in the referenced table: {detail}'
            WHEN 'index' THEN 'index "{constraint}" cannot hold the row: {detail}'
            WHEN 'generated' THEN 'column "{constraint}" cannot be computed: {detail}'
            WHEN 'no_partition' THEN 'the table has no partition for "{value}"'
            WHEN 'exclusion' THEN '"{value}" conflicts with another row: constraint "{constraint}"'
            WHEN 'unique' THEN '"{value}" exists already: constraint "{constraint}"'
            WHEN 'not_found' THEN '"{value}" is not found'
            WHEN 'ambiguous_reference' THEN '"{value}" stands for several values'
            WHEN 'excel_damage' THEN '"{value}" looks damaged by a spreadsheet'
            WHEN 'ragged_row' THEN 'wrong number of fields: {detail}'
            WHEN 'bad_encoding' THEN 'bytes that are not valid in the file''s encoding: {detail}'
            WHEN 'nul_byte' THEN 'the line holds a NUL byte'
            WHEN 'bad_quote' THEN 'quotes where they cannot be: {detail}'
            WHEN 'bad_json' THEN 'the line is not valid JSON: {detail}'
            WHEN 'bad_record' THEN 'the record is not an object: {detail}'
            WHEN 'duplicate_key' THEN 'a key stands twice in the record: {detail}'
            WHEN 'no_value' THEN 'a formula has no stored result: {detail}'
            WHEN 'duplicate_in_file'
            THEN 'the key "{value}" stands in the files already: {detail}'
            WHEN 'duplicate_in_table' THEN 'the key "{value}" is in the table already'
            ELSE '"{value}" is not accepted: {detail}'
        END
END;

COMMENT ON FUNCTION pgimport._issue_text(text, boolean) IS
'internal: the text of an issue code in English or French, with {value}, {detail} and '
'{constraint} to be filled in.';

-- The text for a whole code in the language that is set.
CREATE OR REPLACE FUNCTION pgimport._issue_template(
    p_code text
)
RETURNS text
LANGUAGE sql
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN pgimport._issue_text(
    split_part(p_code, ':', 1),
    coalesce(current_setting('pgimport.language', true), '') ILIKE 'fr%'
);

COMMENT ON FUNCTION pgimport._issue_template(text) IS
'internal: the text of an issue code in the language of the setting pgimport.language.';

-- The message of one issue. Long values are shown by their first 80 characters.
CREATE OR REPLACE FUNCTION pgimport._issue_message(
    p_code text,
    p_value text,
    p_detail text
)
RETURNS text
LANGUAGE sql
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
-- the value is put in last: it may look like a placeholder itself
RETURN replace(
    replace(
        replace(
            CASE
                WHEN p_detail IS NULL
                THEN regexp_replace(pgimport._issue_template(p_code), ' ?: \{detail\}', '')
                ELSE pgimport._issue_template(p_code)
            END,
            '{constraint}', substr(p_code, strpos(p_code, ':') + 1)
        ),
        '{detail}', coalesce(p_detail, '')
    ),
    '{value}',
    CASE
        WHEN length(p_value) > 80 THEN left(p_value, 79) || '…'
        ELSE coalesce(p_value, '')
    END
);

COMMENT ON FUNCTION pgimport._issue_message(text, text, text) IS
'internal: the message of an issue, in English or, with pgimport.language = ''fr'', in French.';
