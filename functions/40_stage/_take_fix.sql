-- Finds the fix that apply_fix() is called for, and checks the call. Locks its row.
-- Called by apply_fix(). Raises PI001, PI002, PI003, PI303, PI314.
CREATE OR REPLACE FUNCTION pgimport._read_fix(
    p_job pgimport.job,
    p_fix_no integer,
    p_rows_parsed bigint,
    p_options jsonb
)
RETURNS pgimport.fix
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_read_fix$
DECLARE
    v_fix pgimport.fix;
    v_rows bigint;
BEGIN
    PERFORM pgimport._require_keys(
        coalesce(nullif(p_options, 'null'), '{}'), '{as_sent}', 'p_options of apply_fix'
    );
    IF jsonb_typeof(p_options -> 'as_sent') <> 'boolean' OR p_rows_parsed < 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = 'rows parsed must not be negative, as_sent is true or false',
            HINT = 'for example: select pgimport.apply_fix(job_id, 1, 250);';
    ELSIF p_rows_parsed IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI001',
            MESSAGE = 'rows parsed are not given: "p_rows_parsed" is null',
            HINT = 'count the records of the file, header and blank lines not included';
    END IF;

    SELECT f.* INTO v_fix FROM pgimport.fix AS f
    WHERE f.job_id = p_job.job_id AND f.fix_no = p_fix_no
    FOR UPDATE;
    IF v_fix.fix_no IS NULL OR v_fix.status = 'dropped' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI314',
            MESSAGE = format('job "%s" has no open fix %s', p_job.job_id,
                coalesce(p_fix_no::text, 'null')),
            DETAIL = CASE WHEN v_fix.fix_no IS NULL THEN 'none has this number'
                ELSE 'another was opened since, or the staging was freed' END,
            HINT = format(
                'select pgimport.stage_fix(%L, ''f.csv'', ''{…,pgimport_row}'');', p_job.job_id
            );
    ELSIF v_fix.status = 'open' THEN
        EXECUTE format(
            'SELECT count(*) FROM pgimport_staging.%I',
            pgimport._staging_name(p_job.job_id, format('_x%s', p_fix_no))
        ) INTO v_rows;
        IF v_rows <> p_rows_parsed THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI303',
                MESSAGE = format('fix "%s": %s parsed, but %s staged', v_fix.file_name,
                    pgimport._count_of(p_rows_parsed, 'row'), pgimport._count_of(v_rows, 'row')),
                DETAIL = 'before PostgreSQL 18 a line that is only "\." ends COPY',
                HINT = format(
                    'open it again: select pgimport.stage_fix(%L, %L, …);',
                    p_job.job_id, v_fix.file_name
                );
        END IF;
    END IF;

    RETURN v_fix;
END;
$_read_fix$;

COMMENT ON FUNCTION pgimport._read_fix(pgimport.job, integer, bigint, jsonb) IS
'internal: the fix that apply_fix() is called for, or why the call is wrong.';

-- Takes the rows of a fix over, file by file. Returns the warnings for a person.
-- Called by apply_fix(). Raises PI311, PI312, PI313.
CREATE OR REPLACE FUNCTION pgimport._take_fix(
    p_job pgimport.job,
    p_fix pgimport.fix,
    p_as_sent boolean
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_take_fix$
DECLARE
    v_memory text := pgimport._raise_memory();
    v_column text;
    v_respelled bigint := 0;
    v_edited bigint[] := '{}'::bigint[];
    v_files integer[];
    v_warnings jsonb := '[]'::jsonb;
    r_file pgimport.file;
BEGIN
    EXECUTE format(
        'ANALYZE pgimport_staging.%I',
        pgimport._staging_name(p_job.job_id, format('_x%s', p_fix.fix_no))
    );
    SELECT format('c%s', c.place) INTO STRICT v_column
    FROM pgimport._fix_columns(p_job, p_fix.header) AS c
    WHERE c.kind = 'token';
    PERFORM pgimport._fix_tokens(p_job, p_fix, v_column);

    EXECUTE format(
        'SELECT array_agg(DISTINCT t.file_no) FROM pgimport_staging.%I AS t',
        pgimport._staging_name(p_job.job_id, '_xt')
    ) INTO v_files;
    FOR r_file IN
        SELECT f.* FROM pgimport.file AS f
        WHERE f.job_id = p_job.job_id AND f.file_no = ANY (v_files)
        ORDER BY f.file_no
    LOOP
        v_respelled := v_respelled + pgimport._fix_rows(p_job, p_fix, r_file, p_as_sent);
        v_edited := v_edited || pgimport._fix_records(p_job, p_fix, r_file);
    END LOOP;
    PERFORM set_config('work_mem', v_memory, true);

    IF v_respelled > 0 THEN
        v_warnings := v_warnings || to_jsonb(format(
            '%s without an issue came back as a spreadsheet writes numbers and dates (0012 as 12, '
            '1.2E+15): they stay as they were staged; {"as_sent": true} takes them as sent',
            pgimport._count_of(v_respelled, 'cell')
        ));
    END IF;
    IF cardinality(v_edited) > 0 THEN
        v_warnings := v_warnings || to_jsonb(format(
            '%s: a change in "pgimport_record" alone is not read; fill in the other columns',
            pgimport._list_lines(v_edited)
        ));
    END IF;
    RETURN v_warnings;
END;
$_take_fix$;

COMMENT ON FUNCTION pgimport._take_fix(pgimport.job, pgimport.fix, boolean) IS
'internal: puts the rows of a fix in place of the staged ones; returns the warnings.';

-- The keys that apply_fix() answers with. Called by it.
CREATE OR REPLACE FUNCTION pgimport._fix_keys(
    p_job pgimport.job,
    p_fix pgimport.fix
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_fix_keys$
DECLARE
    v_keys jsonb := pgimport._check_keys(p_job);
BEGIN
    RETURN v_keys || pgimport._refusal(p_job) || jsonb_build_object(
        'fix_no', p_fix.fix_no,
        'rows', p_fix.rows,
        'rows_fixed', p_fix.rows_fixed,
        'rows_still_invalid', p_fix.rows_still_invalid,
        'rows_unchanged', p_fix.rows_unchanged,
        'issues_left', v_keys -> 'validation_errors'
    );
END;
$_fix_keys$;

COMMENT ON FUNCTION pgimport._fix_keys(pgimport.job, pgimport.fix) IS
'internal: the keys of apply_fix().';

-- What apply_fix() answers. Called by it.
CREATE OR REPLACE FUNCTION pgimport._fix_envelope(
    p_job pgimport.job,
    p_fix pgimport.fix,
    p_message text,
    p_warnings jsonb DEFAULT '[]'
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_fix_envelope$
DECLARE
    v_keys jsonb := pgimport._fix_keys(p_job, p_fix);
BEGIN
    RETURN pgimport._envelope(
        p_job,
        format('%s; %s left', p_message,
            pgimport._count_of((v_keys ->> 'issues_left')::bigint, 'issue')),
        v_keys,
        p_warnings
    );
END;
$_fix_envelope$;

COMMENT ON FUNCTION pgimport._fix_envelope(pgimport.job, pgimport.fix, text, jsonb) IS
'internal: the answer of apply_fix().';
