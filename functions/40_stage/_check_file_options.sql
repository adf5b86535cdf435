-- Checks the header and the options of a file before anything is made for it.
-- Called by stage_file. Raises PI001, PI002, PI003, PI308.
CREATE OR REPLACE FUNCTION pgimport._check_file_options(
    p_file_name text,
    p_header text[],
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_file_options$
DECLARE
    -- a table has at most 1,600 columns; five are kept for staging's own
    c_most_fields CONSTANT integer := 1595;
    c_longest_header CONSTANT integer := 10000;
    v_wrong text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options,
        '{sha256,bytes,encoding,delimiter,sheet,header,line_offset,mapping,force,file_no,resume}',
        'p_options of stage_file'
    );

    IF coalesce(p_file_name, '') = '' OR coalesce(cardinality(p_header), 0) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'a file needs a name and a header',
            HINT = 'select pgimport.stage_file(job_id, ''a.csv'', ''{code,sku}'', ''{}'');';
    END IF;

    IF cardinality(p_header) > c_most_fields
        OR (SELECT max(char_length(h.field)) FROM unnest(p_header) AS h (field)) > c_longest_header
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI308',
            MESSAGE = format('the header of "%s" is too wide', left(p_file_name, 200)),
            DETAIL = format('%s fields; at most %s fields of at most %s characters are staged',
                cardinality(p_header), c_most_fields, c_longest_header),
            HINT = 'is the delimiter right? {"delimiter": ";"}';
    END IF;

    v_wrong := CASE
        WHEN p_options ->> 'sha256' !~ '^[0-9a-f]{64}$'
            THEN 'sha256 must be 64 lower-case hexadecimal digits'
        WHEN p_options ->> 'bytes' !~ '^[0-9]{1,18}$' THEN 'bytes must be a whole number'
        WHEN p_options ->> 'line_offset' !~ '^[0-9]{1,18}$'
            THEN 'line_offset must be a whole number'
        WHEN p_options ->> 'file_no' !~ '^[0-9]{1,9}$' THEN 'file_no must be a whole number'
        WHEN jsonb_typeof(p_options -> 'header') <> 'boolean'
            THEN 'header must be true or false: whether the data begin with a header line'
        WHEN jsonb_typeof(p_options -> 'force') <> 'boolean' THEN 'force must be true or false'
        WHEN jsonb_typeof(p_options -> 'resume') <> 'boolean' THEN 'resume must be true or false'
        WHEN (p_options -> 'resume')::boolean AND p_options ->> 'file_no' IS NULL
            THEN 'resume needs the file_no of a file of the job'
        WHEN octet_length(p_options ->> 'delimiter') <> 1
            OR p_options ->> 'delimiter' IN (E'\n', E'\r', '"')
            THEN 'delimiter must be one single-byte character'
        WHEN jsonb_typeof(p_options -> 'sheet') NOT IN ('string', 'null')
            OR char_length(p_options ->> 'sheet') > 1000
            THEN 'sheet must be the name of a sheet'
        WHEN pg_char_to_encoding(p_options ->> 'encoding') < 0
            THEN 'encoding must be one that PostgreSQL knows, such as UTF8 or WIN1252'
    END;

    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('option of file "%s": %s', left(p_file_name, 200), v_wrong),
            HINT = 'for example {"delimiter": ";", "encoding": "UTF8"}';
    END IF;
END;
$_check_file_options$;

COMMENT ON FUNCTION pgimport._check_file_options(text, text[], jsonb) IS
'internal: checks the name, header and options of a file.';
