-- The fields of a file of corrected rows as an answer says them, and the warnings for a person.
-- Called by stage_fix(). Raises PI207 (a column twice), PI310 (no token, or two).
CREATE OR REPLACE FUNCTION pgimport._fix_mapping(
    p_job pgimport.job,
    p_header text[],
    OUT mapping jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
CALLED ON NULL INPUT
SET search_path = pg_catalog, pg_temp
AS $_fix_mapping$
DECLARE
    v_tokens bigint;
    v_twice text;
BEGIN
    WITH field AS (
        SELECT DISTINCT ON (c.place) c.*
        FROM pgimport._fix_columns(p_job, p_header) AS c
        ORDER BY c.place, c.staged_as
    )

    SELECT
        jsonb_agg(jsonb_build_object(
            'position', f.place, 'header', f.header, 'kind', f.kind, 'column', f.column_name
        ) ORDER BY f.place),
        count(*) FILTER (WHERE f.kind = 'token'),
        coalesce(jsonb_agg(to_jsonb(
            CASE f.kind
                WHEN 'unknown' THEN format('field %s is not used: no column of the job has the '
                    'name "%s" in its reports', f.place, left(f.header, 100))
                ELSE format('field "%s" is not used: the job gives that column as a constant',
                    left(f.header, 100))
            END
        ) ORDER BY f.place) FILTER (WHERE f.kind IN ('unknown', 'constant')), '[]'),
        (
            SELECT min(d.header)
            FROM field AS d
            WHERE d.kind = 'data'
            GROUP BY d.staged_as, d.files
            HAVING count(*) > 1
            LIMIT 1
        )
    INTO mapping, v_tokens, warnings, v_twice
    FROM field AS f;

    IF v_tokens <> 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI310',
            MESSAGE = format('the file has %s "pgimport_row"',
                CASE WHEN v_tokens = 0 THEN 'no column' ELSE v_tokens || ' columns' END),
            DETAIL = 'it holds the tokens by which corrected rows are known again',
            HINT = format('correct a report of the job and leave that column in it: '
                'select pgimport.report_copy_sql(%L, ''issues'');', p_job.job_id);
    ELSIF v_twice IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI207',
            MESSAGE = format('two fields of the file are column "%s"', left(v_twice, 200)),
            DETAIL = format('header: %s', left(p_header::text, 500)),
            HINT = 'take one of them out of the file';
    END IF;
END;
$_fix_mapping$;

COMMENT ON FUNCTION pgimport._fix_mapping(pgimport.job, text[]) IS
'internal: what the fields of a file of corrected rows are, with warnings.';

-- Drops what is staged of corrections that were not applied. Called by stage_fix() and wherever the
-- staging of a job is freed.
CREATE OR REPLACE FUNCTION pgimport._fix_drop(
    p_job_id uuid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_fix_drop$
DECLARE
    v_fix_no integer;
BEGIN
    FOR v_fix_no IN
        SELECT f.fix_no FROM pgimport.fix AS f
        WHERE f.job_id = p_job_id AND f.status = 'open'
        ORDER BY f.fix_no
    LOOP
        PERFORM pgimport._drop_staged(pgimport._staging_name(p_job_id, format('_x%s', v_fix_no)));
    END LOOP;

    UPDATE pgimport.fix SET status = 'dropped' WHERE job_id = p_job_id AND status = 'open';
END;
$_fix_drop$;

COMMENT ON FUNCTION pgimport._fix_drop(uuid) IS
'internal: drops the staged rows of corrections that were not applied.';
