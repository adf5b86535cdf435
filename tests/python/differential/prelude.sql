-- Types and functions of the random tables, made once a database.
CREATE SCHEMA differential;
SET search_path = differential, public;

CREATE TYPE mood AS ENUM ('glad', 'sad', 'so so', 'É', 'Glad');
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE DOMAIN small_positive AS positive CHECK (value < 20);
CREATE DOMAIN inverse AS integer CHECK (100 / value < 60);
CREATE DOMAIN needed AS integer NOT NULL;
CREATE DOMAIN needed_default AS integer DEFAULT 7 NOT NULL;
CREATE DOMAIN short AS varchar(4);
CREATE DOMAIN shorter AS short CHECK (length(value) < 4);
CREATE DOMAIN word AS text CHECK (value ~ '^[a-z]*$') CHECK (value <> 'zzz');
CREATE DOMAIN padded AS char(3) CHECK (value <> 'ab');
CREATE DOMAIN price AS numeric(5, 2) CHECK (value >= 0);
CREATE DOMAIN adult AS date CHECK (value < '2010-01-01');
CREATE DOMAIN few AS integer [] CHECK (cardinality(value) < 4);
CREATE DOMAIN span AS int4range CHECK (NOT isempty(value));
CREATE DOMAIN happy AS mood CHECK (value IN ('glad', 'Glad'));
CREATE TYPE pair AS (a integer, b varchar(3));
CREATE TYPE strict_pair AS (a positive, b mood);

-- a function that a check of a user calls, with a name that only the user's search_path finds
CREATE FUNCTION is_vowel(p_letter text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
'BEGIN RETURN p_letter IN (''a'', ''e'', ''i'', ''o'', ''u''); END';
CREATE FUNCTION begins_well(p_word text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
'BEGIN RETURN NOT is_vowel(left(p_word, 1)); END';
CREATE FUNCTION never_thirteen(p_number numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
'BEGIN IF p_number = 13 THEN RAISE EXCEPTION ''thirteen''; END IF; RETURN p_number <> 4; END';

-- Runs statements one after the other, each undone alone when it fails, and says how they ended.
-- p_after: run after each of them, with it.
CREATE FUNCTION attempt(p_statements text [], p_after text DEFAULT NULL)
RETURNS TABLE (place integer, code text, message text, relation text, violated text)
LANGUAGE plpgsql
AS $attempt$
DECLARE
    v_place integer;
BEGIN
    FOR v_place IN 1 .. coalesce(cardinality(p_statements), 0) LOOP
        place := v_place;
        code := NULL;
        message := NULL;
        relation := NULL;
        violated := NULL;
        BEGIN
            EXECUTE p_statements[v_place];
            IF p_after IS NOT NULL THEN
                EXECUTE p_after;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                code = RETURNED_SQLSTATE,
                message = MESSAGE_TEXT,
                relation = TABLE_NAME,
                violated = CONSTRAINT_NAME;
        END;
        RETURN NEXT;
    END LOOP;
END;
$attempt$;
