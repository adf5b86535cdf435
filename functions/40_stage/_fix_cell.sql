-- What a spreadsheet makes of a text that it takes for a number, a date or a boolean when it opens
-- and saves a file: leading zeros and final zeros go, 1234567890123 becomes 1.23457E+12, a date
-- and a boolean get the form of the country. Whether p_given is p_staged after that.
-- Called by apply_fix() for cells that had no issue.
CREATE OR REPLACE FUNCTION pgimport._respelled(
    p_staged text,
    p_given text
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN CASE
    WHEN p_staged = p_given THEN false
    WHEN lower(p_staged) = 'true'
    THEN lower(p_given) IN ('true', 'vrai', 'wahr', 'verdadero', 'vero')
    WHEN lower(p_staged) = 'false'
    THEN lower(p_given) IN ('false', 'faux', 'falsch', 'falso')
    -- a number, written with other zeros or another decimal sign
    WHEN p_staged ~ '^[+-]?[0-9]{1,250}([.,][0-9]{1,250})?$'
        AND p_given ~ '^[+-]?[0-9]{1,250}([.,][0-9]{1,250})?$'
        AND NOT (length(p_staged) > 15 AND length(p_given) > 15)
    THEN replace(p_staged, ',', '.')::numeric = replace(p_given, ',', '.')::numeric
    -- more digits than a spreadsheet shows, rounded: half a unit of the last one at most
    WHEN p_staged ~ '^[+-]?[0-9]{12,250}$'
        AND p_given ~ '^[+-]?[0-9]([.,][0-9]{1,14})?E[+][0-9]{2,3}$'
    THEN abs(replace(p_given, ',', '.')::numeric - p_staged::numeric) * 2
        <= 10::numeric ^ (
            substring(p_given, '[0-9]+$')::integer
            - coalesce(length(substring(p_given, '[.,]([0-9]+)')), 0)
        )
    -- more digits than it keeps: noughts after the fifteenth
    WHEN p_staged ~ '^[0-9]{16,250}$' AND p_given ~ '^[0-9]{15}0+$'
    THEN length(p_staged) = length(p_given) AND left(p_staged, 15) = left(p_given, 15)
    WHEN p_staged ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}($|[ T][0-9]{2}:[0-9]{2})'
        AND p_given ~ '^[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{2}|[0-9]{4})($| [0-9]{1,2}:[0-9]{2})'
    THEN right(substring(p_staged, '^[0-9]{4}'), 2)
        = right(substring(p_given, '^[^ ]*[/.-]([0-9]+)'), 2)
        AND (
            ltrim(substring(p_staged, '^[0-9]{4}-([0-9]{2})'), '0'),
            ltrim(substring(p_staged, '^[0-9]{4}-[0-9]{2}-([0-9]{2})'), '0')
        ) IN (
            (
                ltrim(substring(p_given, '^([0-9]+)'), '0'),
                ltrim(substring(p_given, '^[0-9]+[/.-]([0-9]+)'), '0')
            ),
            (
                ltrim(substring(p_given, '^[0-9]+[/.-]([0-9]+)'), '0'),
                ltrim(substring(p_given, '^([0-9]+)'), '0')
            )
        )
        AND coalesce(ltrim(substring(p_staged, '[ T]([0-9]{2}:[0-9]{2})'), '0'), ':00')
        = coalesce(ltrim(substring(p_given, ' ([0-9]{1,2}:[0-9]{2})'), '0'), ':00')
    ELSE false
END;

COMMENT ON FUNCTION pgimport._respelled(text, text) IS
'internal: whether a text is another as a spreadsheet writes it after opening and saving a file.';

-- The value of a cell of a row that was sent back: as it was staged, unless somebody changed it.
-- Not changed are what the report itself makes of a value (the apostrophe before a formula, *** for
-- a sensitive column, the note in place of a text too long for a cell of XLSX), other line ends in
-- a cell, an empty cell for an empty text, and in cells that had no issue what a spreadsheet does
-- to numbers and dates that it opens and saves.
-- Called by apply_fix() for every cell.
CREATE OR REPLACE FUNCTION pgimport._fix_cell(
    p_given text,
    p_staged text,
    p_is_sensitive boolean,
    p_had_issue boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
RETURN CASE
    WHEN p_given IS NULL THEN CASE WHEN p_staged = '' THEN p_staged END
    WHEN p_given = p_staged OR pgimport._unneutralise(p_given) = p_staged THEN p_staged
    WHEN p_is_sensitive AND btrim(p_given) = '***' THEN p_staged
    WHEN left(p_given, 11) = '[pgimport: '
        AND (
            starts_with(
                p_given, '[pgimport: ' || char_length(p_staged)::text || ' characters kept]'
            )
            OR starts_with(
                p_given,
                '[pgimport: ' || char_length(pgimport._neutralise(p_staged))::text
                || ' characters kept]'
            )
        )
    THEN p_staged
    WHEN (strpos(p_staged, E'\r') > 0 OR strpos(p_given, E'\r') > 0)
        AND replace(replace(p_staged, E'\r\n', E'\n'), E'\r', E'\n')
        = replace(replace(pgimport._unneutralise(p_given), E'\r\n', E'\n'), E'\r', E'\n')
    THEN p_staged
    WHEN NOT p_had_issue AND pgimport._respelled(p_staged, pgimport._unneutralise(p_given))
    THEN p_staged
    ELSE pgimport._unneutralise(p_given)
END;

COMMENT ON FUNCTION pgimport._fix_cell(text, text, boolean, boolean) IS
'internal: the value of a cell of a corrected row: what was sent, or as staged if not changed.';
