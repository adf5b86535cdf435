-- The problems in the data of a job, one line a column and code: how many, what is said of the
-- first one, and up to three different values with the place where they stand. What is said of
-- sensitive columns is masked as in issue_report(). Values are cut at 200 characters: the answer is
-- small whatever is in the files.
-- Called by users and the HTML report. Raises PI001, PI101.
CREATE OR REPLACE FUNCTION pgimport.issue_summary(
    p_job_id uuid
)
RETURNS TABLE (
    column_name text,
    code text,
    severity text,
    rows bigint,
    sample text,
    message text,
    hint text,
    samples jsonb
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $issue_summary$
#variable_conflict use_column
-- what dynamic SQL returns is not to be seen by a checker:
-- @plpgsql_check_options: extra_warnings = false
DECLARE
    r_job pgimport.job := pgimport._read_job(p_job_id);
    -- different values are looked for among so many issues from the first one on
    c_near CONSTANT integer := 2000;
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT g.column_name, g.code, g.severity, g.rows, left(f.value, 200), '
        'left(f.message, 1000), f.hint, s.samples FROM ('
        'SELECT e.column_name, e.code, e.severity, count(*) AS rows, min(e.issue_id) AS first_id '
        'FROM pgimport.issue AS e WHERE e.job_id = $1 '
        'GROUP BY e.column_name, e.code, e.severity) AS g '
        'INNER JOIN LATERAL (SELECT i.value, i.message, i.hint FROM %1$s AS i '
        'WHERE i.issue_id = g.first_id LIMIT 1) AS f ON true '
        'CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('
        '''file_no'', v.file_no, ''file_name'', v.file_name, ''line_no'', v.line_no, '
        '''row_no'', v.row_no, ''value'', left(v.value, 200), ''length'', length(v.value)) '
        'ORDER BY v.issue_id) AS samples FROM ('
        'SELECT w.*, n.file_name FROM ('
        'SELECT DISTINCT ON (left(i.value, 200)) i.* FROM %1$s AS i '
        'WHERE i.issue_id >= g.first_id AND i.issue_id < g.first_id + $2 '
        'AND i.code = g.code AND i.severity = g.severity '
        'AND i.column_name IS NOT DISTINCT FROM g.column_name '
        'ORDER BY left(i.value, 200), i.issue_id) AS w '
        'LEFT JOIN pgimport.file AS n ON n.job_id = $1 AND n.file_no = w.file_no '
        'ORDER BY w.issue_id LIMIT 3) AS v) AS s '
        'ORDER BY g.rows DESC, g.column_name NULLS LAST, g.code, g.severity',
        pgimport._issue_sql(r_job)
    ) USING p_job_id, c_near;
END
$issue_summary$;

COMMENT ON FUNCTION pgimport.issue_summary(uuid) IS
'Counts the problems in the data of a job by column and code: rows, the first value and message, '
'hint, and up to three different values with file and line (samples); values are cut at 200 '
'characters. Example: select * from pgimport.issue_summary(:''job'')';
