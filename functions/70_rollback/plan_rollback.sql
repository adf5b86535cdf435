-- Shows what rollback_job would do, before anything moves.
-- Called by users. Changes nothing. Raises PI001, PI101, PI205.
CREATE OR REPLACE FUNCTION pgimport.plan_rollback(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
SET enable_seqscan = on
AS $plan_rollback$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_plan jsonb;
BEGIN
    PERFORM pgimport._plan_job_rows(v_job.rows_inserted, pgimport._target_relation(t))
    FROM pgimport.target AS t WHERE t.target_id = v_job.target_id;
    v_plan := pgimport._make_plan(v_job, 'refuse');

    RETURN pgimport._envelope(
        v_job,
        CASE
            WHEN NOT (v_plan ->> 'eligible')::boolean
                THEN 'no rollback: ' || (v_plan #>> '{reasons,0,message}')
            ELSE format(
                '%s to delete; %s modified since, %s gone already; %s with dependents',
                pgimport._count_of((v_plan ->> 'delete')::bigint, 'row'),
                v_plan -> 'modified', v_plan -> 'already_gone',
                pgimport._count_of(jsonb_array_length(v_plan -> 'dependents'), 'table')
            )
        END,
        v_plan - '{warnings,modified_rows}'::text[],
        v_plan -> 'warnings',
        jsonb_build_object(
            'modified_rows', v_plan -> 'modified_rows', 'inserted', v_job.rows_inserted
        )
    );
END;
$plan_rollback$;

COMMENT ON FUNCTION pgimport.plan_rollback(uuid) IS
'Shows what a rollback of a job would do: eligible, reasons[], delete, restore, already_gone, '
'modified, dependents[], later_jobs[], expires_at; details.modified_rows names up to 100 keys. '
'Example: select jsonb_pretty(pgimport.plan_rollback(:''job''))';
