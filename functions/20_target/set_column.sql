-- Sets the rules of one column of a target; they replace those that were set before, and {} clears
-- them. Jobs that are checked already are checked again before they are inserted.
-- Called by users. Raises PI001, PI002, PI003, PI201, PI205, PI206, PI207.
CREATE OR REPLACE FUNCTION pgimport.set_column(
    p_target text,
    p_column text,
    p_rules jsonb
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $set_column$
DECLARE
    r_target pgimport.target := pgimport._find_target(p_target);
    r_column record;
    v_warnings jsonb;
BEGIN
    IF p_column IS NULL OR coalesce(p_rules, 'null') = 'null' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = format(
                'no %s given', CASE WHEN p_column IS NULL THEN 'column' ELSE 'rules' END
            ),
            HINT = format(
                'select pgimport.set_column(%L, %L, ''{"aliases": ["other name"]}'');',
                r_target.name, coalesce(p_column, r_target.key_columns[1])
            );
    END IF;
    PERFORM pgimport._require_column(pgimport._target_relation(r_target), p_column);
    SELECT c.*
    INTO r_column
    FROM pgimport._target_columns(r_target.target_id) AS c
    WHERE c.column_name = p_column;
    IF r_column.generated OR r_column.identity = 'a' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('column "%s" cannot be imported into', p_column),
            DETAIL = 'The database computes it (GENERATED ALWAYS).',
            HINT = format('select pgimport.describe_target(%L);', r_target.name);
    END IF;
    PERFORM pgimport._check_rules(p_rules, r_column);

    IF p_rules = '{}' THEN
        DELETE FROM pgimport.target_column AS c
        WHERE c.target_id = r_target.target_id
            AND c.column_name = p_column;
    ELSE
        INSERT INTO pgimport.target_column (target_id, column_name, rules)
        VALUES (r_target.target_id, p_column, p_rules)
        ON CONFLICT ON CONSTRAINT target_column_pkey DO UPDATE SET rules = excluded.rules;
    END IF;

    SELECT coalesce(jsonb_agg(format(
        'alias "%s" is also %s of column "%s", which comes first', a.value,
        CASE n.rank WHEN 2 THEN 'the name' ELSE 'an alias' END, n.column_name
    ) ORDER BY a.value, n.column_no), '[]')
    INTO v_warnings
    FROM jsonb_array_elements_text(coalesce(p_rules -> 'aliases', '[]')) AS a
    INNER JOIN pgimport._target_names(r_target.target_id) AS n
        ON n.spelling = pgimport._spelling(a.value)
    WHERE n.column_name <> p_column
        AND (n.rank = 2 OR n.column_no < r_column.column_no);

    RETURN pgimport._target_envelope(
        r_target,
        format(
            'the rules of column "%s" are %s', p_column,
            CASE WHEN p_rules = '{}' THEN 'cleared' ELSE 'set' END
        ),
        jsonb_build_object('column', p_column, 'rules', p_rules),
        v_warnings
    );
END
$set_column$;

COMMENT ON FUNCTION pgimport.set_column(text, text, jsonb) IS
'Sets the rules of a column of a target, replacing earlier ones; {} clears them. For its name: '
'aliases[]. For texts: trim (true), null_values[], default, required. What is accepted: allowed[], '
'pattern (regular expression), min, max. How it is written: date_formats[] (DD/MM/YYYY …, beside '
'ISO 8601), decimal_comma, thousands, true_words[], false_words[] (else oui, vrai, x … non, faux). '
'excel_damage (true): texts that a spreadsheet has spoilt are issues. sensitive: masked in every '
'report, log and preview. lookup {table, match, value, ignore_case}. on_update: what a job with '
'on_duplicate update does to a value that is there: overwrite, fill_blank (only where it is blank) '
'or keep. Example: '
'select pgimport.set_column(''codes'', ''batch_code'', ''{"aliases": ["batch_id"]}'')';
