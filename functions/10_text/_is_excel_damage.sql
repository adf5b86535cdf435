-- Whether a text is what a spreadsheet makes of another: a long number with an exponent
-- (1,23E+15), a cell too narrow for its number (####), or an error cell (#N/A, #REF!).
-- Called by the check, for texts that look like it.
CREATE OR REPLACE FUNCTION pgimport._is_excel_damage(
    p_text text
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_text ~ concat(
    '^([+-]?[0-9]([.,][0-9]+)?E[+][0-9]{2,3}|#{2,}|#(N/A|REF!|DIV/0!|VALUE!|VALEUR!|NAME\?|NOM\?|',
    'NULL!|NUL!|NUM!|NOMBRE!|SPILL!|CALC!|GETTING_DATA))$'
);

COMMENT ON FUNCTION pgimport._is_excel_damage(text) IS
'internal: whether a text is a number with an exponent, ####, or an error cell of a spreadsheet.';

-- Whether a text is how a spreadsheet shows a date it has made of a code: 2-Sep, Sep-02, 01-mars.
-- Called by the check, for texts of a key.
CREATE OR REPLACE FUNCTION pgimport._is_excel_date(
    p_text text
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_text ~ '[0-9]' AND p_text ~* concat(
    '^([0-9]{1,2}-)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|',
    'juil|août|sept|déc)[.]?(-[0-9]{2})?$'
);

COMMENT ON FUNCTION pgimport._is_excel_date(text) IS
'internal: whether a text is how a spreadsheet shows a date without a year.';
