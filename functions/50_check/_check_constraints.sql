-- Judges the rows of a job by the constraints of the target: each is one condition over all rows,
-- and rows that break one get an issue and are marked invalid, like those with a wrong value. Rows
-- that are invalid already are judged, too, by the constraints that do not depend on their wrong
-- values: a person sees everything that is to be corrected at once.
-- Rows that are updated are judged as they are afterwards.
-- p_search_path: the caller's, for functions of the constraints. p_table: suffix of the table with
-- the values to be judged; _again: of rows that were corrected, which are in _value, too.
-- Called by _validate_values and _recheck_rows.
CREATE OR REPLACE FUNCTION pgimport._check_constraints(
    p_job pgimport.job,
    p_search_path text,
    p_table text DEFAULT '_value'
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_check_constraints$
DECLARE
    v_relation regclass := pgimport._job_relation(p_job);
    v_last bigint;
    v_updates boolean := pgimport._needs_merged(p_job, v_relation);
    v_doubtful boolean;
    v_self boolean := false;
    r_constraint record;
BEGIN
    IF v_updates THEN
        PERFORM pgimport._store_merged(p_job, v_relation);
    ELSIF NOT pgimport._is_constrained(v_relation) THEN
        RETURN;
    END IF;
    SELECT coalesce(max(i.issue_id), 0) INTO v_last FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id;
    v_doubtful := pgimport._store_doubts(p_job, p_table);
    IF v_doubtful AND v_updates THEN
        PERFORM pgimport._drop_doubts(p_job, v_relation);
    END IF;

    FOR r_constraint IN
        SELECT c.* FROM pgimport._constraints(p_job, v_relation) AS c WHERE c.skipped IS NULL
    LOOP
        PERFORM pgimport._judge_rows(p_job, v_relation, p_table, r_constraint, p_search_path);
        IF v_doubtful THEN
            PERFORM pgimport._judge_rows(
                p_job, v_relation, '_doubt', r_constraint, p_search_path
            );
        END IF;
        v_self := v_self OR r_constraint.is_self;
    END LOOP;
    FOR r_constraint IN
        SELECT c.* FROM pgimport._constraints(p_job, v_relation, true) AS c
        WHERE v_updates AND c.skipped IS NULL
    LOOP
        PERFORM pgimport._judge_rows(
            p_job, v_relation, '_merged', r_constraint, p_search_path
        );
        v_self := v_self OR r_constraint.is_self;
    END LOOP;
    PERFORM pgimport._mark_invalid(p_job, v_last);

    IF v_self THEN
        PERFORM pgimport._judge_children(p_job, v_relation, p_search_path);
    END IF;
    PERFORM pgimport._drop_staged(pgimport._staging_name(p_job.job_id, '_doubt'));
END;
$_check_constraints$;

COMMENT ON FUNCTION pgimport._check_constraints(pgimport.job, text, text) IS
'internal: judges the rows of a job by the constraints of the target.';

-- Rows that refer to rows of the job which are not inserted fall with them, and so on. Called
-- after rows fell, by _check_constraints and _mark_duplicates. Returns whether more rows fell.
CREATE OR REPLACE FUNCTION pgimport._judge_children(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_judge_children$
DECLARE
    v_last bigint;
    v_found bigint;
    v_round bigint;
    v_fallen boolean := false;
    v_updates boolean := pgimport._is_staged(
        pgimport._staging_name(p_job.job_id, '_merged')
    );
    r_constraint record;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint AS c
        WHERE c.contype = 'f' AND c.conrelid = p_relation AND c.confrelid = p_relation
    ) THEN
        RETURN false;
    END IF;
    SELECT coalesce(max(i.issue_id), 0) INTO v_last FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id;
    LOOP
        v_round := 0;
        FOR r_constraint IN
            SELECT c.* FROM pgimport._constraints(p_job, p_relation) AS c
            WHERE c.skipped IS NULL AND c.is_self
        LOOP
            v_found := pgimport._judge_rows(
                p_job, p_relation, '_value', r_constraint, p_search_path
            );
            v_round := v_round + v_found;
        END LOOP;
        FOR r_constraint IN
            SELECT c.* FROM pgimport._constraints(p_job, p_relation, true) AS c
            WHERE v_updates AND c.skipped IS NULL AND c.is_self
        LOOP
            v_found := pgimport._judge_rows(
                p_job, p_relation, '_merged', r_constraint, p_search_path
            );
            v_round := v_round + v_found;
        END LOOP;
        EXIT WHEN v_round = 0;
        v_fallen := true;
        PERFORM pgimport._mark_invalid(p_job, v_last);
    END LOOP;
    RETURN v_fallen;
END;
$_judge_children$;

COMMENT ON FUNCTION pgimport._judge_children(pgimport.job, regclass, text) IS
'internal: rows that refer to rows of the job which are not inserted fall with them.';

-- The table of a job's target. Called by the check.
CREATE OR REPLACE FUNCTION pgimport._job_relation(
    p_job pgimport.job
)
RETURNS regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_job_relation$
BEGIN
    RETURN (
        SELECT pgimport._target_relation(t) FROM pgimport.target AS t
        WHERE t.target_id = p_job.target_id
    );
END;
$_job_relation$;

COMMENT ON FUNCTION pgimport._job_relation(pgimport.job) IS
'internal: the table of a job''s target.';

-- Casts what is right in the rows that are invalid into a table like that of the values; "bad"
-- names the columns that are not. Returns whether there are such rows.
-- Called by _check_constraints.
CREATE OR REPLACE FUNCTION pgimport._store_doubts(
    p_job pgimport.job,
    p_table text
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_store_doubts$
DECLARE
    c_doubt CONSTANT text := pgimport._staging_name(p_job.job_id, '_doubt');
BEGIN
    IF NOT EXISTS (
        SELECT FROM pgimport.issue AS i
        WHERE i.job_id = p_job.job_id AND i.found_by = 'check' AND i.severity = 'error'
    ) THEN
        RETURN false;
    END IF;
    PERFORM pgimport._drop_staged(c_doubt);
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I WITH (autovacuum_enabled = false) AS '
        'SELECT s.file_no, s.row_no, b.bad%s FROM pgimport_staging.%I AS s '
        'INNER JOIN (SELECT i.file_no, i.row_no, array_agg(i.column_name) AS bad '
        'FROM pgimport.issue AS i%s WHERE i.job_id = %L AND i.found_by = ''check'' '
        'AND i.severity = ''error'' GROUP BY i.file_no, i.row_no) AS b '
        'ON b.file_no = s.file_no AND b.row_no = s.row_no',
        c_doubt,
        (
            SELECT string_agg(
                format(
                    ', CASE WHEN %L <> ALL (b.bad) THEN %s END AS c%s',
                    c.column_name, c.stored_sql, c.column_no
                ), '' ORDER BY c.column_no
            )
            FROM pgimport._written_columns(p_job) AS c
        ),
        pgimport._staging_name(p_job.job_id),
        CASE WHEN p_table = '_again' THEN format(
            ' INNER JOIN pgimport_staging.%I AS x USING (file_no, row_no)',
            pgimport._staging_name(p_job.job_id, '_fixed')
        ) END,
        p_job.job_id
    );
    RETURN true;
END;
$_store_doubts$;

COMMENT ON FUNCTION pgimport._store_doubts(pgimport.job, text) IS
'internal: casts what is right in the invalid rows of a job.';

-- Marks the rows invalid that have got an issue after a certain one, and takes them out of the
-- values that are marked and inserted. Called by _check_constraints and _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._mark_invalid(
    p_job pgimport.job,
    p_after_issue bigint
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
-- of issues that were just found the planner knows nothing, and there may be as many as rows
SET enable_nestloop = off
AS $_mark_invalid$
BEGIN
    EXECUTE format(
        'WITH fallen AS (INSERT INTO pgimport_staging.%1$I (file_no, row_no, kind) '
        'SELECT DISTINCT i.file_no, i.row_no, ''x''::"char" FROM pgimport.issue AS i '
        'WHERE i.job_id = $1 AND i.issue_id > $2 AND i.found_by = ''check'' '
        'AND i.severity = ''error'' AND NOT EXISTS (SELECT FROM pgimport_staging.%1$I AS m '
        'WHERE m.kind = ''x'' AND m.file_no = i.file_no AND m.row_no = i.row_no) '
        'RETURNING file_no, row_no) '
        'DELETE FROM pgimport_staging.%2$I AS v USING fallen AS f '
        'WHERE f.file_no = v.file_no AND f.row_no = v.row_no',
        pgimport._staging_name(p_job.job_id, '_mark'),
        pgimport._staging_name(p_job.job_id, '_value')
    ) USING p_job.job_id, p_after_issue;
END;
$_mark_invalid$;

COMMENT ON FUNCTION pgimport._mark_invalid(pgimport.job, bigint) IS
'internal: marks the rows with new issues invalid.';
