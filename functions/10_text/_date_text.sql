-- A date or time as it is, unless it can be read in more than one way: three numbers of one or two
-- digits, such as 01/02/03. Such a text gets "?ambiguous " before it, which no cast accepts.
-- Called by the SQL that _convert_sql() writes, once a value of a column without date_formats.
CREATE OR REPLACE FUNCTION pgimport._certain_date(
    p_text text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text LIKE '____-__-__%' THEN p_text
    WHEN p_text ~ '(^|\s)[0-9]{1,2}([-/. ])[0-9]{1,2}\2[0-9]{1,2}($|[\sT,])'
    THEN '?ambiguous ' || p_text
    ELSE p_text
END;

COMMENT ON FUNCTION pgimport._certain_date(text) IS
'internal: a date as it is, marked where it can be read in more than one way.';

-- The number of a month by its name or a short form of it, in English or French; null for another
-- word. Called by _date_text.
CREATE OR REPLACE FUNCTION pgimport._month_number(
    p_name text
)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_name ~ '^(jan|janv|janvier|january)$' THEN 1
    WHEN p_name ~ '^(feb|fev|fevr|fevrier|february)$' THEN 2
    WHEN p_name ~ '^(mar|mars|march)$' THEN 3
    WHEN p_name ~ '^(apr|avr|avril|april)$' THEN 4
    WHEN p_name ~ '^(mai|may)$' THEN 5
    WHEN p_name ~ '^(jun|juin|june)$' THEN 6
    WHEN p_name ~ '^(jul|juil|juillet|july)$' THEN 7
    WHEN p_name ~ '^(aug|aou|aout|august)$' THEN 8
    WHEN p_name ~ '^(sep|sept|septembre|september)$' THEN 9
    WHEN p_name ~ '^(oct|octobre|october)$' THEN 10
    WHEN p_name ~ '^(nov|novembre|november)$' THEN 11
    WHEN p_name ~ '^(dec|decembre|december)$' THEN 12
END;

COMMENT ON FUNCTION pgimport._month_number(text) IS
'internal: the number of a month by its English or French name.';

-- The pattern of to_date() as a list of its fields and a regular expression with one group a
-- field. Null when it has a field that is not known here.
-- Fields: YYYY, YY, MM, DD, MON, MONTH, HH24, HH12, HH, MI, SS, MS, US, AM, PM; TM and FM are
-- skipped. Called by _date_text and _check_rules.
CREATE OR REPLACE FUNCTION pgimport._date_pattern(
    p_format text,
    OUT fields text[],
    OUT pattern text
)
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_date_pattern$
DECLARE
    c_field CONSTANT text := '^(YYYY|YY|MONTH|MON|MM|DD|HH24|HH12|HH|MI|SS|MS|US|AM|PM)';
    v_rest text := upper(regexp_replace(p_format, 'TM|FM', '', 'gi'));
    v_word text;
BEGIN
    fields := '{}';
    pattern := '';
    WHILE v_rest <> '' LOOP
        v_word := substring(v_rest FROM c_field);
        IF v_word IS NOT NULL THEN
            fields := fields || v_word;
            pattern := pattern || CASE
                WHEN v_word = 'YYYY' THEN '([0-9]{4})'
                WHEN v_word IN ('MONTH', 'MON') THEN '([^0-9[:space:]./-]+)\.?'
                WHEN v_word IN ('MS', 'US') THEN '([0-9]{1,6})'
                WHEN v_word IN ('AM', 'PM') THEN '([AaPp])\.?[Mm]?\.?'
                WHEN v_word IN ('YY', 'MI', 'SS') THEN '([0-9]{2})'
                -- in a run of digits each field has its full width
                WHEN p_format ~ '^[[:alnum:]]+$' THEN '([0-9]{2})'
                ELSE '([0-9]{1,2})'
            END;
            v_rest := substr(v_rest, length(v_word) + 1);
        ELSIF v_rest LIKE '"%"%' THEN
            v_word := substring(v_rest FROM '^"([^"]*)"');
            pattern := pattern || regexp_replace(v_word, '([^[:alnum:]])', '\\\1', 'g');
            v_rest := substr(v_rest, length(v_word) + 3);
        ELSIF v_rest ~ '^[[:alnum:]"]' AND v_rest !~ '^T(HH|[0-9])' THEN
            fields := NULL;
            pattern := NULL;
            RETURN;
        ELSE
            pattern := pattern || regexp_replace(left(v_rest, 1), '([^[:alnum:]])', '\\\1');
            v_rest := substr(v_rest, 2);
        END IF;
    END LOOP;
    pattern := '^' || pattern || '$';
END;
$_date_pattern$;

COMMENT ON FUNCTION pgimport._date_pattern(text) IS
'internal: the fields and the regular expression of a date format, null for unknown ones.';

-- A date or time written in one of some formats, in the form of ISO 8601; also where it is in that
-- form already. When it fits several formats and means another day in each, it gets
-- "?ambiguous " before it; when it fits none, "?". No cast accepts either.
-- Called by the SQL that _convert_sql() writes, once a value of a column with date_formats.
CREATE OR REPLACE FUNCTION pgimport._date_text(
    p_text text,
    p_formats text[]
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_date_text$
DECLARE
    v_pattern record;
    v_parts text[];
    v_format text;
    v_date text;
    v_read text;
BEGIN
    IF p_text LIKE '____-__-__%' OR lower(p_text) IN ('infinity', '-infinity') THEN
        RETURN p_text;
    END IF;
    FOREACH v_format IN ARRAY p_formats LOOP
        v_pattern := pgimport._date_pattern(v_format);
        v_parts := regexp_match(p_text, v_pattern.pattern);
        CONTINUE WHEN v_parts IS NULL;
        v_date := pgimport._iso_date(v_pattern.fields, v_parts);
        CONTINUE WHEN v_date IS NULL OR v_date = v_read;
        IF v_read IS NOT NULL THEN
            RETURN '?ambiguous ' || p_text;
        END IF;
        v_read := v_date;
    END LOOP;
    RETURN coalesce(v_read, '?' || p_text);
END;
$_date_text$;

COMMENT ON FUNCTION pgimport._date_text(text, text[]) IS
'internal: a date written in one of some formats, in the form of ISO 8601.';

-- The parts of a date in the form of ISO 8601; null where there is no such day or time.
-- Years of two digits are those from 1970 to 2069, as for to_date(). Called by _date_text.
CREATE OR REPLACE FUNCTION pgimport._iso_date(
    p_fields text[],
    p_parts text[]
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_iso_date$
DECLARE
    v_year integer;
    v_month integer := 1;
    v_day integer := 1;
    v_hour integer;
    v_minute integer := 0;
    v_second text := '00';
    v_fraction text := '';
    v_half text;
    v_days integer;
    v_part text;
BEGIN
    FOR i IN 1 .. cardinality(p_fields) LOOP
        v_part := p_parts[i];
        CASE
            WHEN p_fields[i] = 'YYYY' THEN v_year := v_part::integer;
            WHEN p_fields[i] = 'YY' THEN
                v_year := v_part::integer + CASE WHEN v_part >= '70' THEN 1900 ELSE 2000 END;
            WHEN p_fields[i] = 'MM' THEN v_month := v_part::integer;
            WHEN p_fields[i] IN ('MON', 'MONTH') THEN
                v_month := pgimport._month_number(pgimport._normalise(v_part));
            WHEN p_fields[i] = 'DD' THEN v_day := v_part::integer;
            WHEN p_fields[i] LIKE 'HH%' THEN v_hour := v_part::integer;
            WHEN p_fields[i] = 'MI' THEN v_minute := v_part::integer;
            WHEN p_fields[i] = 'SS' THEN v_second := v_part;
            WHEN p_fields[i] IN ('MS', 'US') THEN v_fraction := '.' || v_part;
            ELSE v_half := upper(v_part);
        END CASE;
    END LOOP;

    IF v_half IS NOT NULL THEN
        IF v_hour NOT BETWEEN 1 AND 12 THEN
            RETURN NULL;
        END IF;
        v_hour := v_hour % 12 + CASE v_half WHEN 'P' THEN 12 ELSE 0 END;
    END IF;
    v_days := CASE
        WHEN v_month IN (4, 6, 9, 11) THEN 30
        WHEN v_month <> 2 THEN 31
        WHEN v_year % 4 = 0 AND (v_year % 100 <> 0 OR v_year % 400 = 0) THEN 29
        ELSE 28
    END;
    IF v_year IS NULL OR v_year = 0 OR v_month IS NULL OR v_month NOT BETWEEN 1 AND 12
        OR v_day NOT BETWEEN 1 AND v_days
        OR v_hour > 23 OR v_minute > 59 OR v_second > '59'
    THEN
        RETURN NULL;
    END IF;

    RETURN concat(
        lpad(v_year::text, 4, '0'), '-', lpad(v_month::text, 2, '0'), '-',
        lpad(v_day::text, 2, '0'),
        CASE WHEN v_hour IS NOT NULL THEN concat(
            ' ', lpad(v_hour::text, 2, '0'), ':', lpad(v_minute::text, 2, '0'), ':', v_second,
            v_fraction
        ) END
    );
END;
$_iso_date$;

COMMENT ON FUNCTION pgimport._iso_date(text[], text[]) IS
'internal: the parts of a date in the form of ISO 8601, null where there is no such day.';
