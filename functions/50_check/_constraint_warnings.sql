-- What a check cannot know before the insert, in words: constraints that it does not judge, and
-- triggers that may change rows before the constraints see them. rehearse_job() shows what they do.
-- Called by check_job, validate_job and mark_duplicates.
CREATE OR REPLACE FUNCTION pgimport._constraint_warnings(
    p_job pgimport.job
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_constraint_warnings$
DECLARE
    v_relation regclass := pgimport._job_relation(p_job);
    v_updates boolean := coalesce(p_job.options ->> 'on_duplicate' = 'update', false);
    v_skipped jsonb := '[]'::jsonb;
    v_triggers text;
BEGIN
    IF pgimport._is_constrained(v_relation) THEN
        -- what a serial number decides is no news: it is unique by itself
        SELECT coalesce(jsonb_agg(
            format('%s is not checked before the insert: %s', c.code, c.skipped) ORDER BY c.code
        ), '[]')
        INTO v_skipped
        FROM (
            SELECT f.code, f.skipped FROM pgimport._constraints(p_job, v_relation) AS f
            UNION
            SELECT f.code, f.skipped FROM pgimport._constraints(p_job, v_relation, true) AS f
            WHERE v_updates
            UNION
            SELECT u.code, u.skipped FROM pgimport._unique_constraints(p_job, v_relation) AS u
            WHERE u.skipped NOT LIKE 'column %'
        ) AS c
        WHERE c.skipped IS NOT NULL;
    END IF;

    SELECT string_agg(format('"%s"', t.tgname), ', ' ORDER BY t.tgname) INTO v_triggers
    FROM pg_trigger AS t
    WHERE t.tgrelid = v_relation
        AND NOT t.tgisinternal
        AND t.tgenabled IN ('O', 'A')
        -- row-level, before, on insert; or on update
        AND (t.tgtype & 7 = 7 OR (v_updates AND t.tgtype & 19 = 19));
    IF v_triggers IS NOT NULL THEN
        v_skipped := v_skipped || to_jsonb(format(
            'constraints are judged by the staged values; triggers may change them first: %s; '
            'see pgimport.rehearse_job()', v_triggers
        ));
    END IF;
    RETURN v_skipped;
END;
$_constraint_warnings$;

COMMENT ON FUNCTION pgimport._constraint_warnings(pgimport.job) IS
'internal: what a check cannot know before the insert, in words.';
