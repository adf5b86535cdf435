-- Raises work_mem for the statements of one step, so that sorts and hashes of millions of rows
-- stay in memory, and returns what it was; the caller sets that again. To a sixteenth of
-- shared_buffers, unless the role, the database or the session has another value in
-- pgimport.work_mem; never to more than an eighth of them, and never to less than work_mem is.
-- Called by the steps that sort, group or join whole jobs, and by report_copy_sql. Raises PI003.
CREATE OR REPLACE FUNCTION pgimport._raise_memory()
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_raise_memory$
DECLARE
    c_share CONSTANT integer := 16;
    c_most CONSTANT integer := 8;
    v_shared bigint := pg_size_bytes(current_setting('shared_buffers'));
    v_before text := current_setting('work_mem');
    v_wanted text := coalesce(
        nullif(current_setting('pgimport.work_mem', true), ''),
        format('%skB', v_shared / c_share / 1024)
    );
    v_bytes bigint;
BEGIN
    IF v_wanted !~* '^\s*[0-9]{1,9}\s*(kB|MB|GB)\s*$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('pgimport.work_mem is "%s", which is no size', v_wanted),
            HINT = 'SET pgimport.work_mem = ''64MB'';';
    END IF;
    v_bytes := least(pg_size_bytes(v_wanted), v_shared / c_most);

    IF v_bytes > pg_size_bytes(v_before) THEN
        PERFORM set_config('work_mem', (v_bytes / 1024)::text, true);
    END IF;
    RETURN v_before;
END;
$_raise_memory$;

COMMENT ON FUNCTION pgimport._raise_memory() IS
'internal: raises work_mem for one step within the bounds of pgimport.work_mem.';
