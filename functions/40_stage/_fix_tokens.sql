-- Reads the tokens of a staged file of corrected rows into a table job_…_xt (sent: where the row is
-- staged, file_no, row_no, issue_id of a record that was refused). Nothing else is looked at before
-- every row is known.
-- Called by apply_fix(). Raises PI311 (no token), PI312 (not of this job), PI313 (twice).
CREATE OR REPLACE FUNCTION pgimport._fix_tokens(
    p_job pgimport.job,
    p_fix pgimport.fix,
    p_column text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_fix_tokens$
DECLARE
    c_table CONSTANT text := pgimport._staging_name(p_job.job_id, '_xt');
    c_again CONSTANT text := format(
        'nothing was changed; report again: select pgimport.report_copy_sql(%L, ''issues'');',
        p_job.job_id
    );
    v_no_token text;
    v_foreign text;
    v_twice text;
BEGIN
    PERFORM pgimport._drop_staged(c_table);
    -- OFFSET 0 keeps each expression from being evaluated wherever it is named
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%1$I WITH (autovacuum_enabled = false) AS '
        'SELECT n.sent, n.line_no, NOT n.is_token AS is_no_token, f.file_no, '
        'CASE WHEN n.number > 0 AND f.file_no IS NOT NULL THEN n.number ELSE r.row_no END '
        'AS row_no, i.issue_id '
        'FROM (SELECT p.*, CASE WHEN p.is_token THEN split_part(p.token, ''-'', 1)::integer END '
        'AS file_no, CASE WHEN NOT p.is_token THEN NULL '
        'WHEN split_part(p.token, ''-'', 2) LIKE ''r%%'' '
        'THEN -(substr(split_part(p.token, ''-'', 2), 2)::bigint) '
        'ELSE split_part(p.token, ''-'', 2)::bigint END AS number FROM ('
        'SELECT k.*, coalesce(k.token ~ ''^[0-9]{1,9}-r?[0-9]{1,18}-[0-9a-f]{8}$'', false) '
        'AS is_token FROM ('
        'SELECT x.ctid AS sent, x.line_no, lower(btrim(pgimport._unneutralise(x.%3$I), '
        'E'' \t\r\n\u00a0'')) AS token FROM pgimport_staging.%2$I AS x OFFSET 0'
        ') AS k OFFSET 0) AS p OFFSET 0) AS n '
        'LEFT JOIN pgimport.file AS f ON f.job_id = %4$L::uuid AND f.file_no = n.file_no '
        'AND f.status = ''staged'' '
        'AND n.token = pgimport._row_token(f.token_seed, n.file_no, n.number) '
        'LEFT JOIN pgimport.issue AS i ON i.job_id = %4$L::uuid AND i.issue_id = -n.number '
        'AND i.file_no = f.file_no AND i.row_no IS NULL '
        'LEFT JOIN pgimport.fix_record AS r ON r.job_id = %4$L::uuid AND r.issue_id = -n.number '
        'AND r.file_no = f.file_no',
        c_table,
        pgimport._staging_name(p_job.job_id, format('_x%s', p_fix.fix_no)),
        p_column,
        p_job.job_id
    );
    EXECUTE format('ANALYZE pgimport_staging.%I', c_table);

    EXECUTE format(
        'SELECT '
        'pgimport._list_lines(array_agg(t.line_no) FILTER (WHERE t.is_no_token)), '
        'pgimport._list_lines(array_agg(t.line_no) FILTER (WHERE NOT t.is_no_token '
        'AND t.row_no IS NULL AND t.issue_id IS NULL)), '
        'pgimport._list_lines(array_agg(t.line_no) FILTER (WHERE t.copies > 1)) '
        'FROM (SELECT k.*, CASE WHEN k.row_no IS NOT NULL OR k.issue_id IS NOT NULL '
        'THEN count(*) OVER (PARTITION BY k.file_no, k.row_no, k.issue_id) END AS copies '
        'FROM pgimport_staging.%I AS k) AS t', c_table
    ) INTO v_no_token, v_foreign, v_twice;

    IF v_no_token IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI311',
            MESSAGE = format('there is no token in "pgimport_row": %s', v_no_token),
            DETAIL = 'a token is such as 1-3500-9f2c6a1b; rows without one cannot be added',
            HINT = c_again;
    ELSIF v_foreign IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI312',
            MESSAGE = format('tokens that are not of job "%s": %s', p_job.job_id, v_foreign),
            DETAIL = 'another job''s, changed by hand, or from before a file was staged again',
            HINT = c_again;
    ELSIF v_twice IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI313',
            MESSAGE = format('the same token more than once: %s', v_twice),
            DETAIL = 'which of the rows counts cannot be told',
            HINT = 'take all but one out of the file; nothing was changed';
    END IF;
END;
$_fix_tokens$;

COMMENT ON FUNCTION pgimport._fix_tokens(pgimport.job, pgimport.fix, text) IS
'internal: reads the tokens of corrected rows and refuses those that are none of the job.';

-- Names lines of a file for a person: the first twenty and how many more there are; null for none.
-- Called by _fix_tokens and apply_fix.
CREATE OR REPLACE FUNCTION pgimport._list_lines(
    p_lines bigint[]
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_list_lines$
DECLARE
    c_most CONSTANT integer := 20;
BEGIN
    RETURN (
        SELECT concat(
            CASE WHEN cardinality(p_lines) = 1 THEN 'line ' ELSE 'lines ' END,
            string_agg(l.line::text, ', ' ORDER BY l.line) FILTER (WHERE l.place <= c_most),
            CASE WHEN cardinality(p_lines) > c_most
                THEN format(' and %s more', cardinality(p_lines) - c_most) END
        )
        FROM (
            SELECT u.line, row_number() OVER (ORDER BY u.line) AS place
            FROM unnest(p_lines) AS u (line)
        ) AS l
        WHERE p_lines IS NOT NULL
        HAVING count(*) > 0
    );
END;
$_list_lines$;

COMMENT ON FUNCTION pgimport._list_lines(bigint[]) IS
'internal: the numbers of some lines in words, or null.';
