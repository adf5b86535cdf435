-- SQL that turns the ways people write a value into the way PostgreSQL reads it, by the rules of
-- the column: boolean words, decimal commas and thousands, date formats. What a rule does not
-- cover is left as it is, or made a text that no cast accepts: no value is guessed.
-- p_type: the type below any domain. Called by _written_columns.
CREATE OR REPLACE FUNCTION pgimport._convert_sql(
    p_text_sql text,
    p_type oid,
    p_rules jsonb
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_convert_sql$
BEGIN
    RETURN CASE
        WHEN p_type = 'boolean'::regtype THEN format(
            'pgimport._boolean_text(%s, %L::text[], %L::text[])',
            p_text_sql,
            pgimport._words(p_rules -> 'true_words', '{oui,o,vrai,v,x}'),
            pgimport._words(p_rules -> 'false_words', '{non,faux}')
        )
        WHEN p_type IN (
            'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype,
            'real'::regtype, 'double precision'::regtype, 'money'::regtype
        ) THEN CASE
            WHEN p_rules @> '{"decimal_comma": true}'
                THEN format('pgimport._comma_number(%s)', p_text_sql)
            WHEN p_rules @> '{"thousands": true}'
                THEN format('pgimport._point_number(%s)', p_text_sql)
            ELSE p_text_sql
        END
        WHEN p_type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN CASE
            WHEN jsonb_array_length(p_rules -> 'date_formats') > 0 THEN format(
                'pgimport._date_text(%s, %L::text[])',
                p_text_sql, pgimport._words(p_rules -> 'date_formats', '{}')
            )
            ELSE format('pgimport._certain_date(%s)', p_text_sql)
        END
        ELSE p_text_sql
    END;
END;
$_convert_sql$;

COMMENT ON FUNCTION pgimport._convert_sql(text, oid, jsonb) IS
'internal: SQL that turns written forms of a value into the one that PostgreSQL reads.';

-- A list of a rule as an array, or what stands for it where the rule is not set.
-- Called by _convert_sql.
CREATE OR REPLACE FUNCTION pgimport._words(
    p_list jsonb,
    p_default text[]
)
RETURNS text[]
LANGUAGE plpgsql
IMMUTABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_words$
BEGIN
    IF jsonb_typeof(p_list) = 'array' THEN
        RETURN ARRAY(SELECT jsonb_array_elements_text(p_list));
    END IF;
    RETURN p_default;
END;
$_words$;

COMMENT ON FUNCTION pgimport._words(jsonb, text[]) IS
'internal: a list of a rule as an array of texts.';
