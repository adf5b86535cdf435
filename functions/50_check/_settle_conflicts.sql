-- Decides which of the rows that claim the same values are inserted: as if they were inserted one
-- after the other, in the order of the files (or backwards, for keep = last), each that conflicts
-- with none before it. A row that is refused claims nothing any more. The key takes part in this:
-- its refused rows are duplicates inside the files, the others have an issue.
-- In rounds, each set-based: rows that are first in all their groups are accepted, those in a
-- group with an accepted row are refused, until nothing is undecided.
-- Called by _mark_duplicates when there are claims.
CREATE OR REPLACE FUNCTION pgimport._settle_conflicts(
    p_job pgimport.job,
    p_guards jsonb,
    p_key record,
    p_order text,
    p_search_path text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_settle_conflicts$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_mark CONSTANT text := pgimport._staging_name(p_job.job_id, '_mark');
    c_claim CONSTANT text := pgimport._staging_name(p_job.job_id, '_claim');
    c_row CONSTANT text := pgimport._staging_name(p_job.job_id, '_claim_row');
    v_last bigint;
    v_undecided bigint;
    r_guard record;
BEGIN
    SELECT coalesce(max(i.issue_id), 0) INTO v_last FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id;

    -- repeated keys that are not in the table
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I SELECT 0, q.group_no, q.file_no, q.row_no FROM ('
        'SELECT k.file_no, k.row_no, count(*) OVER (PARTITION BY %s) AS size, '
        'dense_rank() OVER (ORDER BY %2$s) AS group_no FROM (%s) AS k WHERE %s '
        'AND NOT EXISTS (SELECT FROM pgimport_staging.%I AS m WHERE m.kind = ''d'' '
        'AND m.file_no = k.file_no AND m.row_no = k.row_no)) AS q WHERE q.size > 1',
        c_claim, p_key.columns, p_key.staged_keys, p_key.complete, c_mark
    );
    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%1$I AS SELECT k.file_no, k.row_no, '
        'row_number() OVER (ORDER BY %2$s) AS place, ''u''::"char" AS state '
        'FROM (SELECT DISTINCT c.file_no, c.row_no FROM pgimport_staging.%3$I AS c) AS k',
        c_row, p_order, c_claim
    );
    EXECUTE format('CREATE UNIQUE INDEX ON pgimport_staging.%I (file_no, row_no)', c_row);
    EXECUTE format('ANALYZE pgimport_staging.%I', c_row);
    EXECUTE format('ANALYZE pgimport_staging.%I', c_claim);

    LOOP
        EXECUTE format(
            'WITH undecided AS MATERIALIZED (SELECT c.constraint_no, c.group_no, r.place '
            'FROM pgimport_staging.%1$I AS c INNER JOIN pgimport_staging.%2$I AS r '
            'USING (file_no, row_no) WHERE r.state = ''u''), '
            'first AS (SELECT u.constraint_no, u.group_no, min(u.place) AS place '
            'FROM undecided AS u GROUP BY u.constraint_no, u.group_no), '
            'accepted AS (SELECT u.place FROM undecided AS u '
            'INNER JOIN first AS f USING (constraint_no, group_no) '
            'GROUP BY u.place HAVING bool_and(f.place = u.place)) '
            'UPDATE pgimport_staging.%2$I AS r SET state = ''a'' FROM accepted AS a '
            'WHERE a.place = r.place', c_claim, c_row
        );
        EXECUTE format(
            'WITH taken AS (SELECT DISTINCT c.constraint_no, c.group_no '
            'FROM pgimport_staging.%1$I AS c INNER JOIN pgimport_staging.%2$I AS r '
            'USING (file_no, row_no) WHERE r.state = ''a'') '
            'UPDATE pgimport_staging.%2$I AS r SET state = ''r'' WHERE r.state = ''u'' '
            'AND EXISTS (SELECT FROM pgimport_staging.%1$I AS c '
            'INNER JOIN taken AS t USING (constraint_no, group_no) '
            'WHERE c.file_no = r.file_no AND c.row_no = r.row_no)', c_claim, c_row
        );
        EXECUTE format(
            'SELECT count(*) FROM pgimport_staging.%I AS r WHERE r.state = ''u''', c_row
        ) INTO v_undecided;
        EXIT WHEN v_undecided = 0;
    END LOOP;

    -- only what came before a row was in its way
    EXECUTE format(
        'DELETE FROM pgimport_staging.%1$I AS c USING pgimport_staging.%2$I AS r '
        'WHERE r.file_no = c.file_no AND r.row_no = c.row_no AND NOT (r.state = ''r'' '
        'AND EXISTS (SELECT FROM pgimport_staging.%1$I AS o '
        'INNER JOIN pgimport_staging.%2$I AS p USING (file_no, row_no) '
        'WHERE o.constraint_no = c.constraint_no AND o.group_no = c.group_no '
        'AND p.state = ''a'' AND p.place < r.place))', c_claim, c_row
    );
    EXECUTE format(
        'DELETE FROM pgimport_staging.%1$I AS m USING pgimport_staging.%2$I AS r '
        'WHERE m.kind = ''i'' AND m.file_no = r.file_no AND m.row_no = r.row_no',
        c_mark, c_row
    );
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I (file_no, row_no, kind) '
        'SELECT c.file_no, c.row_no, ''i''::"char" FROM pgimport_staging.%I AS c '
        'WHERE c.constraint_no = 0', c_mark, c_claim
    );
    FOR r_guard IN
        SELECT u.* FROM pgimport._each_guard(p_guards) AS u
    LOOP
        PERFORM pgimport._add_violations(
            p_job, r_guard,
            format(
                'SELECT DISTINCT c.file_no, c.row_no, k.shown FROM pgimport_staging.%1$I AS c '
                'INNER JOIN pgimport_staging.%2$I AS k USING (file_no, row_no) '
                'WHERE c.constraint_no = %3$s AND NOT EXISTS ('
                'SELECT FROM pgimport_staging.%1$I AS o WHERE o.constraint_no = 0 '
                'AND o.file_no = c.file_no AND o.row_no = c.row_no)',
                c_claim,
                pgimport._staging_name(p_job.job_id, '_key' || r_guard.constraint_no),
                r_guard.constraint_no
            ), NULL, p_search_path
        );
    END LOOP;
    PERFORM pgimport._mark_invalid(p_job, v_last);
    PERFORM pgimport._drop_staged(c_row);
    PERFORM pgimport._drop_claims(p_job);
END;
$_settle_conflicts$;

COMMENT ON FUNCTION pgimport._settle_conflicts(pgimport.job, jsonb, record, text, text) IS
'internal: decides which of the rows that claim the same values are inserted.';
