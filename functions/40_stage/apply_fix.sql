-- Takes over the corrected rows of a file that stage_fix() opened and COPY loaded: every row is
-- known by its token, only cells that were changed are replaced, in place; columns that the file
-- lacks stay as they are, an empty cell is null. Records that were refused while a file was read
-- become rows. Then the changed rows are checked again, and no other. All of it, or nothing.
-- Called by users and the client; the same call again answers so and changes nothing.
-- Raises PI001, PI002, PI003, PI101, PI102, PI204, PI205, PI207, PI303, PI305, PI306, PI311, PI312,
-- PI313, PI314, PI602.
CREATE OR REPLACE FUNCTION pgimport.apply_fix(
    p_job_id uuid,
    p_fix_no integer,
    p_rows_parsed bigint,
    p_options jsonb DEFAULT '{}',
    p_search_path text DEFAULT current_setting('search_path')
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
AS $apply_fix$
DECLARE
    c_fixed CONSTANT text := pgimport._staging_name(p_job_id, '_fixed');
    v_job pgimport.job := pgimport._lock_job(p_job_id);
    v_fix pgimport.fix;
    v_warnings jsonb;
    v_changed bigint;
    v_invalid bigint := 0;
BEGIN
    PERFORM pgimport._refuse_foreign_staging(v_job);
    v_fix := pgimport._read_fix(v_job, p_fix_no, p_rows_parsed, p_options);
    IF v_fix.status = 'applied' THEN
        RETURN pgimport._fix_envelope(
            v_job, v_fix, format('fix %s was applied before: nothing was done now', p_fix_no)
        );
    END IF;
    PERFORM pgimport._require_status(v_job, '{staged,checked,failed}', 'corrected');
    v_warnings := pgimport._begin_check(p_job_id, 'corrected');
    v_job := pgimport._read_job(p_job_id);
    IF v_job.status = 'staging_lost' THEN
        RETURN pgimport._lost_envelope(v_job, pgimport._fix_keys(v_job, v_fix));
    END IF;

    PERFORM pgimport._drop_staged(c_fixed);
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I (file_no integer NOT NULL, '
        'row_no bigint NOT NULL) WITH (autovacuum_enabled = false)', c_fixed
    );
    v_warnings := v_warnings || pgimport._take_fix(
        v_job, v_fix, coalesce((p_options ->> 'as_sent')::boolean, false)
    );
    EXECUTE format('ANALYZE pgimport_staging.%I', c_fixed);
    EXECUTE format('SELECT count(*) FROM pgimport_staging.%I', c_fixed) INTO v_changed;
    PERFORM pgimport._give_staging(p_job_id);

    IF v_changed > 0 THEN
        v_job := pgimport._recheck_rows(v_job, p_search_path);
        EXECUTE format(
            'SELECT count(*) FROM pgimport_staging.%I AS c WHERE EXISTS ('
            'SELECT FROM pgimport_staging.%I AS m '
            'WHERE m.kind = ''x'' AND m.file_no = c.file_no AND m.row_no = c.row_no)',
            c_fixed, pgimport._staging_name(p_job_id, '_mark')
        ) INTO v_invalid;
    END IF;

    UPDATE pgimport.fix
    SET status = 'applied',
        applied_at = clock_timestamp(),
        rows = p_rows_parsed,
        rows_fixed = v_changed - v_invalid,
        rows_still_invalid = v_invalid,
        rows_unchanged = p_rows_parsed - v_changed
    WHERE job_id = p_job_id AND fix_no = p_fix_no
    RETURNING * INTO v_fix;
    PERFORM pgimport._drop_staged(c_fixed);
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, '_xt'));
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, format('_x%s', p_fix_no)));
    PERFORM pgimport._log_event(p_job_id, 'fixed', jsonb_build_object(
        'fix_no', p_fix_no, 'file_name', v_fix.file_name, 'rows', v_fix.rows,
        'rows_fixed', v_fix.rows_fixed, 'rows_still_invalid', v_fix.rows_still_invalid,
        'rows_unchanged', v_fix.rows_unchanged
    ));

    RETURN pgimport._fix_envelope(
        pgimport._read_job(p_job_id), v_fix,
        format(
            '%s fixed, %s changed and still invalid, %s left as they were',
            pgimport._count_of(v_fix.rows_fixed, 'row'), v_fix.rows_still_invalid,
            v_fix.rows_unchanged
        ),
        v_warnings || pgimport._constraint_warnings(v_job) || pgimport._content_warnings(v_job)
    );
END;
$apply_fix$;

COMMENT ON FUNCTION pgimport.apply_fix(uuid, integer, bigint, jsonb, text) IS
'Takes over the corrected rows of a file opened with stage_fix() and checks them again, and no '
'other; keys: fix_no, rows, rows_fixed, rows_still_invalid, rows_unchanged, issues_left, and those '
'of check_job. Option as_sent (true: also cells without an issue that look as if a spreadsheet had '
'rewritten them). Example: select jsonb_pretty(pgimport.apply_fix(:''job'', 1, 250))';
