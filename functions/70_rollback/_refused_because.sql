-- Why a plan must not be carried out in a mode; null when it may. Called by rollback_job and
-- plan_rollback.
CREATE OR REPLACE FUNCTION pgimport._refused_because(
    p_plan jsonb,
    p_mode text,
    p_force boolean
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_refused_because$
DECLARE
    v_dependents bigint;
    v_foreign bigint;
    v_uncounted text;
BEGIN
    SELECT
        coalesce(sum((d.value ->> 'count')::bigint), 0),
        coalesce(sum((d.value ->> 'by_others')::bigint)
            FILTER (WHERE d.value ->> 'on_delete' NOT IN ('set null', 'set default')), 0),
        -- the database would delete or change them, and nobody can say how many
        string_agg(DISTINCT d.value ->> 'table', ', ') FILTER (WHERE d.value ->> 'count' IS NULL)
    INTO v_dependents, v_foreign, v_uncounted
    FROM jsonb_array_elements(p_plan -> 'dependents') AS d;

    RETURN nullif(concat_ws('; ',
        CASE WHEN (p_plan ->> 'modified')::bigint > 0
                AND (p_mode = 'refuse' OR (p_mode = 'cascade' AND NOT p_force))
            THEN format('%s modified since',
                pgimport._count_of((p_plan ->> 'modified')::bigint, 'row')) END,
        CASE
            WHEN v_dependents > 0 AND p_mode <> 'cascade' THEN (
                SELECT string_agg(
                    format('%s of %s depending on them',
                        pgimport._count_of((d ->> 'count')::bigint, 'row'), d ->> 'table'), '; '
                )
                FROM jsonb_array_elements(p_plan -> 'dependents') AS d
                WHERE d ->> 'count' IS NOT NULL
            )
            WHEN v_foreign > 0 AND NOT p_force
                THEN format('%s that people added depending on them',
                    pgimport._count_of(v_foreign, 'row'))
        END,
        CASE WHEN v_uncounted IS NOT NULL
            THEN format('rows of %s that cannot be counted depending on them', v_uncounted) END,
        CASE WHEN p_mode <> 'force' AND NOT p_force THEN (
            SELECT string_agg(
                format('job %s updated %s of its rows later', l ->> 'job_id', l ->> 'rows'), '; '
            )
            FROM jsonb_array_elements(p_plan -> 'later_jobs') AS l
            WHERE l ->> 'why' LIKE '%updated%'
        ) END,
        CASE WHEN (p_plan ->> 'taken')::bigint > 0
            THEN format('the old values of %s are taken by other rows now',
                pgimport._count_of((p_plan ->> 'taken')::bigint, 'row')) END
    ), '');
END;
$_refused_because$;

COMMENT ON FUNCTION pgimport._refused_because(jsonb, text, boolean) IS
'internal: why a rollback is refused in a mode, or null.';

-- What to do about it. Called by rollback_job.
CREATE OR REPLACE FUNCTION pgimport._refused_hint(
    p_job_id uuid,
    p_plan jsonb
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_refused_hint$
DECLARE
    c_call CONSTANT text := 'select pgimport.rollback_job(%L, %L, p_options => ''{%s}'');';
BEGIN
    RETURN CASE
        WHEN jsonb_array_length(p_plan -> 'later_jobs') > 0 THEN format(
            'roll the later jobs back first, newest first, or all together: ' || c_call,
            p_job_id, 'refuse', '"with_later_jobs": true'
        )
        WHEN (p_plan ->> 'taken')::bigint > 0 THEN format(
            'see them: select * from pgimport.rollback_rows(%L, ''taken''); and give those other '
            'rows other values', p_job_id
        )
        WHEN jsonb_array_length(p_plan -> 'dependents') > 0 THEN format(
            'delete the dependent rows first, roll back the job that made them, or delete them '
            'with these: ' || c_call, p_job_id, 'cascade', ''
        )
        ELSE format('to keep the modified rows: select pgimport.rollback_job(%L, '
            '''keep_modified''); to delete or restore them, too: mode ''force''', p_job_id)
    END;
END;
$_refused_hint$;

COMMENT ON FUNCTION pgimport._refused_hint(uuid, jsonb) IS
'internal: what to do about a refused rollback.';
