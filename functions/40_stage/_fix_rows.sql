-- Puts the corrected rows of one file of a job in place of the staged ones: only cells that
-- somebody changed, only rows with such a cell; these are noted in job_…_fixed. All other rows of
-- the file stay where they are, as they are.
-- p_as_sent: also cells without an issue that look as a spreadsheet writes them on its own.
-- respelled: such cells that were left as they were staged.
-- Called by apply_fix(). Raises PI312 (a row that is not there).
CREATE OR REPLACE FUNCTION pgimport._fix_rows(
    p_job pgimport.job,
    p_fix pgimport.fix,
    p_file pgimport.file,
    p_as_sent boolean,
    OUT respelled bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_fix_rows$
-- the fragments are quoted where they are made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_tokens CONSTANT text := pgimport._staging_name(p_job.job_id, '_xt');
    v_cells text;
    v_respelled text;
    v_set text;
    v_old text;
    v_new text;
    v_rows bigint;
    v_missing bigint;
BEGIN
    SELECT
        string_agg(
            format(
                ', CASE WHEN x.c%1$s IS NOT DISTINCT FROM s.%2$I THEN s.%2$I '
                'ELSE pgimport._fix_cell(x.c%1$s, s.%2$I, %3$L::boolean, %4$s) END AS n%1$s',
                c.place, c.staged_as, c.is_sensitive, i.had_issue
            ), '' ORDER BY c.place
        ),
        string_agg(
            format(
                'coalesce(x.c%1$s <> s.%2$I AND NOT %3$s '
                'AND pgimport._respelled(s.%2$I, pgimport._unneutralise(x.c%1$s)), false)',
                c.place, c.staged_as, i.had_issue
            ), ', ' ORDER BY c.place
        ),
        string_agg(format('%I = n.n%s', c.staged_as, c.place), ', ' ORDER BY c.place),
        string_agg(format('f.%I', c.staged_as), ', ' ORDER BY c.place),
        string_agg(format('n.n%s', c.place), ', ' ORDER BY c.place)
    INTO v_cells, v_respelled, v_set, v_old, v_new
    FROM pgimport._fix_columns(p_job, p_fix.header) AS c
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN p_as_sent THEN 'true'
            WHEN c.column_name IS NULL THEN 'false'
            ELSE format('coalesce(%L = ANY (i.columns), false)', c.column_name)
        END AS had_issue
    ) AS i
    WHERE c.kind = 'data'
        AND (c.files IS NULL OR p_file.file_no = ANY (c.files));

    respelled := 0;
    IF v_set IS NULL THEN
        RETURN;
    END IF;

    -- the staged rows are read once; those that change are found again by where they lie
    EXECUTE format(
        'WITH issue AS MATERIALIZED ('
        'SELECT e.row_no, array_agg(e.column_name) AS columns FROM pgimport.issue AS e '
        'WHERE e.job_id = $1 AND e.file_no = $2 AND e.row_no IS NOT NULL GROUP BY e.row_no), '
        'sent AS MATERIALIZED ('
        'SELECT s.ctid AS staged, s.row_no, '
        'cardinality(array_remove(ARRAY[%3$s], false)) AS respelled%4$s '
        'FROM pgimport_staging.%1$I AS t '
        'INNER JOIN pgimport_staging.%2$I AS x ON x.ctid = t.sent '
        'INNER JOIN pgimport_staging.%5$I AS s ON s.row_no = t.row_no '
        'LEFT JOIN issue AS i ON i.row_no = t.row_no '
        'WHERE t.file_no = $2), '
        'changed AS (UPDATE pgimport_staging.%5$I AS f SET %6$s FROM sent AS n '
        'WHERE f.ctid = n.staged AND ROW(%7$s) IS DISTINCT FROM ROW(%8$s) '
        'RETURNING f.row_no), '
        'noted AS (INSERT INTO pgimport_staging.%9$I (file_no, row_no) '
        'SELECT $2, c.row_no FROM changed AS c) '
        'SELECT count(*), coalesce(sum(n.respelled), 0), '
        '(SELECT count(*) FROM pgimport_staging.%1$I AS t '
        'WHERE t.file_no = $2 AND t.row_no IS NOT NULL) FROM sent AS n',
        c_tokens,
        pgimport._staging_name(p_job.job_id, format('_x%s', p_fix.fix_no)),
        v_respelled,
        v_cells,
        p_file.staging_table,
        v_set,
        v_old,
        v_new,
        pgimport._staging_name(p_job.job_id, '_fixed')
    ) INTO v_rows, respelled, v_missing USING p_job.job_id, p_file.file_no;

    IF v_rows <> v_missing THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI312',
            MESSAGE = format('tokens of rows that file %s of job "%s" does not have',
                p_file.file_no, p_job.job_id),
            DETAIL = format('%s of %s are there', v_rows,
                pgimport._count_of(v_missing, 'row')),
            HINT = format('nothing was changed; report again: '
                'select pgimport.report_copy_sql(%L, ''issues'');', p_job.job_id);
    END IF;
END;
$_fix_rows$;

COMMENT ON FUNCTION pgimport._fix_rows(pgimport.job, pgimport.fix, pgimport.file, boolean) IS
'internal: puts the corrected rows of one file in place of the staged ones.';

-- Makes rows of the records of one file that were refused while it was read and are filled in now:
-- they follow the rows that are there, at the line they had. Their issues are resolved. A record
-- whose columns were all left empty stays refused.
-- edited: lines where nothing but the record itself was changed, which is not read.
-- Called by apply_fix().
CREATE OR REPLACE FUNCTION pgimport._fix_records(
    p_job pgimport.job,
    p_fix pgimport.fix,
    p_file pgimport.file,
    OUT edited bigint[]
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_fix_records$
-- the fragments are quoted where they are made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_record text;
    v_cells text;
    v_columns text;
    v_new text;
    v_last bigint;
    v_added bigint;
BEGIN
    SELECT
        string_agg(
            format(', pgimport._unneutralise(x.c%1$s) AS n%1$s', c.place), '' ORDER BY c.place
        ),
        string_agg(format(', %I', c.staged_as), '' ORDER BY c.place),
        string_agg(format('n.n%s', c.place), ', ' ORDER BY c.place)
    INTO v_cells, v_columns, v_new
    FROM pgimport._fix_columns(p_job, p_fix.header) AS c
    WHERE c.kind = 'data'
        AND (c.files IS NULL OR p_file.file_no = ANY (c.files));

    SELECT format('x.c%s', c.place) INTO v_record
    FROM pgimport._fix_columns(p_job, p_fix.header) AS c
    WHERE c.kind = 'own' AND btrim(c.header) = 'pgimport_record';

    IF v_new IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format(
        'SELECT coalesce(max(s.row_no), 0) FROM pgimport_staging.%I AS s', p_file.staging_table
    ) INTO v_last;

    EXECUTE format(
        'WITH sent AS MATERIALIZED ('
        'SELECT t.issue_id, t.line_no AS sent_line, e.line_no, '
        'pgimport._fix_cell(%3$s, e.value, true, true) IS DISTINCT FROM e.value AS is_edited%4$s '
        'FROM pgimport_staging.%1$I AS t '
        'INNER JOIN pgimport_staging.%2$I AS x ON x.ctid = t.sent '
        'INNER JOIN pgimport.issue AS e ON e.job_id = $1 AND e.issue_id = t.issue_id '
        'WHERE t.file_no = $2), '
        'new AS MATERIALIZED ('
        'SELECT n.*, $3 + row_number() OVER (ORDER BY n.issue_id) AS row_no '
        'FROM sent AS n WHERE NOT ROW(%6$s) IS NULL), '
        'put AS (INSERT INTO pgimport_staging.%5$I (row_no, line_no%7$s) '
        'SELECT n.row_no, n.line_no, %6$s FROM new AS n), '
        'known AS (INSERT INTO pgimport.fix_record (job_id, issue_id, fix_no, file_no, row_no) '
        'SELECT $1, n.issue_id, $4, $2, n.row_no FROM new AS n), '
        'gone AS (DELETE FROM pgimport.issue AS e USING new AS n '
        'WHERE e.job_id = $1 AND e.issue_id = n.issue_id), '
        'noted AS (INSERT INTO pgimport_staging.%8$I (file_no, row_no) '
        'SELECT $2, n.row_no FROM new AS n) '
        'SELECT (SELECT count(*) FROM new), array_agg(n.sent_line ORDER BY n.sent_line) FILTER ('
        'WHERE n.is_edited AND ROW(%6$s) IS NULL) FROM sent AS n',
        pgimport._staging_name(p_job.job_id, '_xt'),
        pgimport._staging_name(p_job.job_id, format('_x%s', p_fix.fix_no)),
        coalesce(v_record, 'e.value'),
        v_cells,
        p_file.staging_table,
        v_new,
        v_columns,
        pgimport._staging_name(p_job.job_id, '_fixed')
    ) INTO v_added, edited USING p_job.job_id, p_file.file_no, v_last, p_fix.fix_no;

    UPDATE pgimport.file
    SET rows_parsed = rows_parsed + v_added,
        rows_staged = rows_staged + v_added,
        rows_refused = greatest(rows_refused - v_added, 0)
    WHERE job_id = p_job.job_id AND file_no = p_file.file_no AND v_added > 0;
END;
$_fix_records$;

COMMENT ON FUNCTION pgimport._fix_records(pgimport.job, pgimport.fix, pgimport.file) IS
'internal: makes rows of refused records that were filled in.';
