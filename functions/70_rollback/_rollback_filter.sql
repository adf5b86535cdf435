-- SQL conditions for a rollback of some of a job's rows: own on the rows it inserted (alias t),
-- updated on those it updated (t and their images i). Null where all rows are meant.
-- filter: {column: value, null or [values]}, compared with what is in the table now. rows: tokens
-- of staged rows, as reports show them; which row of the table one became is found by its key.
-- Called by _rollback_scope. Raises PI206, PI508.
CREATE OR REPLACE FUNCTION pgimport._rollback_filter(
    p_job pgimport.job,
    p_relation regclass,
    p_options jsonb,
    OUT own text,
    OUT updated text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rollback_filter$
DECLARE
    v_file_nos integer[];
    v_row_nos bigint[];
    v_listed text;
BEGIN
    IF p_options ? 'filter' THEN
        own := pgimport._filter_sql(p_relation, p_options -> 'filter');
        updated := own;
    END IF;
    IF p_options ? 'rows' THEN
        SELECT t.file_nos, t.row_nos INTO STRICT v_file_nos, v_row_nos
        FROM pgimport._token_rows(p_job, p_options -> 'rows') AS t;
        v_listed := format(
            '(SELECT n.file_no, n.row_no FROM unnest(%L::integer[], %L::bigint[]) '
            'AS n (file_no, row_no))', v_file_nos, v_row_nos
        );
        own := concat_ws(' AND ', own, pgimport._staged_rows_sql(p_job, v_listed));
        updated := concat_ws(
            ' AND ', updated, format('(i.file_no, i.row_no) IN %s', v_listed)
        );
    END IF;
END;
$_rollback_filter$;

COMMENT ON FUNCTION pgimport._rollback_filter(pgimport.job, regclass, jsonb) IS
'internal: SQL conditions of a rollback of some of a job''s rows.';
