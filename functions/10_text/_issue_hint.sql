-- What to do about an issue, in the language of the setting pgimport.language (see
-- _issue_message()).
-- Called for every issue that is recorded.
CREATE OR REPLACE FUNCTION pgimport._issue_hint(
    p_code text
)
RETURNS text
LANGUAGE sql
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE WHEN coalesce(current_setting('pgimport.language', true), '') ILIKE 'fr%' THEN
        CASE split_part(p_code, ':', 1)
            WHEN 'required' THEN 'Renseignez la valeur, ou donnez-en une par défaut à la colonne.'
            WHEN 'bad_integer' THEN 'Écrivez un nombre entier, sans décimales ni unité.'
            WHEN 'bad_numeric' THEN 'Écrivez un nombre avec un point décimal, sans unité.'
            WHEN 'bad_date' THEN 'Écrivez la date sous la forme AAAA-MM-JJ.'
            WHEN 'ambiguous_date' THEN 'Écrivez la date sous la forme AAAA-MM-JJ, ou déclarez '
                'un seul format pour la colonne.'
            WHEN 'no_partition' THEN 'Corrigez la valeur, ou créez la partition.'
            WHEN 'exclusion' THEN 'Retirez la ligne ou corrigez la valeur.'
            WHEN 'bad_uuid' THEN 'Écrivez 32 chiffres hexadécimaux, avec ou sans tirets.'
            WHEN 'bad_boolean' THEN 'Écrivez true ou false.'
            WHEN 'too_long' THEN 'Raccourcissez la valeur.'
            WHEN 'not_allowed' THEN 'Choisissez l''une des valeurs permises.'
            WHEN 'pattern' THEN 'Corrigez la forme de la valeur.'
            WHEN 'out_of_range' THEN 'Corrigez la valeur.'
            WHEN 'check' THEN 'Corrigez la ligne.'
            WHEN 'foreign_key' THEN 'Importez d''abord la ligne référencée, ou corrigez la valeur.'
            WHEN 'unique' THEN 'Retirez la ligne ou corrigez la valeur.'
            WHEN 'not_found' THEN 'Créez d''abord ce qui est désigné, ou corrigez la valeur.'
            WHEN 'ambiguous_reference' THEN 'Désignez-le par une valeur qui n''existe qu''une fois.'
            WHEN 'excel_damage' THEN 'Exportez à nouveau la colonne au format texte.'
            WHEN 'ragged_row' THEN 'Cherchez un séparateur ou un guillemet en trop ou en moins.'
            WHEN 'bad_encoding' THEN 'Enregistrez le fichier dans l''encodage déclaré.'
            WHEN 'nul_byte' THEN 'Retirez l''octet nul de la ligne.'
            WHEN 'bad_quote' THEN 'Doublez les guillemets à l''intérieur d''un champ : "".'
            WHEN 'bad_json' THEN 'Écrivez un objet JSON entier par ligne.'
            WHEN 'bad_record' THEN 'Un enregistrement est un objet : {"nom": "valeur"}.'
            WHEN 'duplicate_key' THEN 'Nommez chaque clé une seule fois.'
            WHEN 'no_value'
            THEN 'Ouvrez le fichier dans un tableur, puis enregistrez-le.'
            WHEN 'duplicate_in_file' THEN 'La première occurrence est gardée.'
            WHEN 'duplicate_in_table' THEN 'La ligne de la table est gardée.'
            ELSE 'Corrigez la valeur.'
        END
    ELSE
        CASE split_part(p_code, ':', 1)
            WHEN 'required' THEN 'Fill in a value, or give the column a default.'
            WHEN 'bad_integer' THEN 'Write a whole number, without decimals or unit.'
            WHEN 'bad_numeric' THEN 'Write a number with a decimal point, without unit.'
            WHEN 'bad_date' THEN 'Write the date as YYYY-MM-DD.'
            WHEN 'ambiguous_date' THEN 'Write the date as YYYY-MM-DD, or declare one format for '
                'the column.'
            WHEN 'no_partition' THEN 'Correct the value, or create the partition.'
            WHEN 'exclusion' THEN 'Remove the row, or correct the value.'
            WHEN 'bad_uuid' THEN 'Write 32 hexadecimal digits, with or without hyphens.'
            WHEN 'bad_boolean' THEN 'Write true or false.'
            WHEN 'too_long' THEN 'Shorten the value.'
            WHEN 'not_allowed' THEN 'Choose one of the allowed values.'
            WHEN 'pattern' THEN 'Correct the form of the value.'
            WHEN 'out_of_range' THEN 'Correct the value.'
            WHEN 'check' THEN 'Correct the row.'
            WHEN 'foreign_key' THEN 'Import the referenced row first, or correct the value.'
            WHEN 'unique' THEN 'Remove the row, or correct the value.'
            WHEN 'not_found' THEN 'First make what the value stands for, or correct the value.'
            WHEN 'ambiguous_reference' THEN 'Name it by a value that exists only once.'
            WHEN 'excel_damage' THEN 'Export the column again, formatted as text.'
            WHEN 'ragged_row' THEN 'Look for a delimiter or a quote too many or too few.'
            WHEN 'bad_encoding' THEN 'Save the file in the encoding that was declared.'
            WHEN 'nul_byte' THEN 'Remove the NUL byte from the line.'
            WHEN 'bad_quote' THEN 'Write a quote inside a quoted field twice: "".'
            WHEN 'bad_json' THEN 'Write one whole JSON object a line.'
            WHEN 'bad_record' THEN 'A record is an object: {"name": "value"}.'
            WHEN 'duplicate_key' THEN 'Name each key once.'
            WHEN 'no_value' THEN 'Open the file in a spreadsheet program and save it.'
            WHEN 'duplicate_in_file' THEN 'The first occurrence is kept.'
            WHEN 'duplicate_in_table' THEN 'The row of the table is kept.'
            ELSE 'Correct the value.'
        END
END;

COMMENT ON FUNCTION pgimport._issue_hint(text) IS
'internal: what to do about an issue, in English or, with pgimport.language = ''fr'', in French.';
