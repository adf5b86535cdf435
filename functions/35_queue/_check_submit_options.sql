-- Checks the options of submit_job. Called by it. Raises PI002, PI003.
CREATE OR REPLACE FUNCTION pgimport._check_submit_options(
    p_options jsonb
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_check_submit_options$
DECLARE
    v_name text;
    v_what text;
BEGIN
    PERFORM pgimport._require_keys(
        p_options, '{batch_rows,priority,max_attempts,run_after}', 'p_options of submit_job'
    );

    SELECT w.name, w.what INTO v_name, v_what
    FROM (
        VALUES
        ('batch_rows', '^[1-9][0-9]{0,14}$', 'a number of rows, 1 or more'),
        ('priority', '^(-?[1-9][0-9]{0,2}|0)$', 'a whole number from -999 to 999'),
        ('max_attempts', '^([1-9][0-9]?|100)$', 'a whole number from 1 to 100')
    ) AS w (name, pattern, what)
    WHERE p_options -> w.name IS NOT NULL
        AND (
            jsonb_typeof(p_options -> w.name) <> 'number'
            OR p_options ->> w.name !~ w.pattern
        )
    LIMIT 1;
    IF v_name IS NULL AND p_options ? 'run_after' AND (
        jsonb_typeof(p_options -> 'run_after') <> 'string'
        OR pgimport._cast_sqlstate(p_options ->> 'run_after', 'timestamptz') IS NOT NULL
    ) THEN
        v_name := 'run_after';
        v_what := 'a time such as "2030-01-31 22:00+01"';
    END IF;

    IF v_name IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('option "%s" must be %s', v_name, v_what),
            DETAIL = format('it was %s', left((p_options -> v_name)::text, 100)),
            HINT = format('leave "%s" out, or correct it', v_name);
    END IF;
END;
$_check_submit_options$;

COMMENT ON FUNCTION pgimport._check_submit_options(jsonb) IS
'internal: checks the options of submit_job.';
