-- Shows what rollback_job would do, before anything moves, and notes in the job's log that it was
-- asked. Called by users. Raises PI001, PI002, PI003, PI101, PI205, PI206, PI506, PI508, PI602.
CREATE OR REPLACE FUNCTION pgimport.plan_rollback(
    p_job_id uuid,
    p_mode text DEFAULT 'refuse',
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
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
SET jit = off
AS $plan_rollback$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_plan jsonb;
    v_refused text;
BEGIN
    PERFORM pgimport._check_rollback_options(p_mode, v_options);
    PERFORM pgimport._refuse_foreign_staging(v_job);
    PERFORM set_config('timezone', v_job.time_zone, true);
    PERFORM pgimport._plan_job_rows(v_job.rows_inserted, pgimport._job_relation(v_job));
    v_plan := pgimport._make_plan(v_job, p_mode, v_options);
    v_refused := pgimport._refused_because(
        v_plan, p_mode, (v_options ->> 'force')::boolean IS TRUE
    );
    PERFORM pgimport._log_plan(v_job, 'rollback_planned', v_plan, v_refused);

    RETURN pgimport._envelope(
        v_job,
        pgimport._plan_message(v_plan, v_refused),
        v_plan - '{warnings,modified_rows,later_order}'::text[]
        || jsonb_build_object('refused_because', v_refused),
        v_plan -> 'warnings',
        jsonb_build_object(
            'modified_rows', v_plan -> 'modified_rows',
            'later_order', v_plan -> 'later_order',
            'inserted', v_job.rows_inserted
        )
    );
END;
$plan_rollback$;

COMMENT ON FUNCTION pgimport.plan_rollback(uuid, text, jsonb) IS
'Shows what a rollback of a job would do in a mode (refuse, keep_modified, force, cascade) with '
'the options of rollback_job: eligible, reasons[], refused_because, delete, restore, rewritten, '
'already_gone, modified, taken, dependents[], later_jobs[], soft, seconds, expires_at; '
'details.modified_rows names up to 100 rows, rollback_rows() lists all. '
'Example: select jsonb_pretty(pgimport.plan_rollback(:''job''))';

-- The plan in one line. Called by plan_rollback.
CREATE OR REPLACE FUNCTION pgimport._plan_message(
    p_plan jsonb,
    p_refused text
)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_plan_message$
BEGIN
    RETURN CASE
        WHEN NOT (p_plan ->> 'eligible')::boolean
            THEN 'no rollback: ' || (p_plan #>> '{reasons,0,message}')
        ELSE concat_ws('; ',
            format(
                '%s to %s, %s to restore, %s modified since, %s gone already',
                pgimport._count_of((p_plan ->> 'delete')::bigint, 'row'),
                CASE WHEN (p_plan ->> 'soft')::boolean THEN 'declare deleted' ELSE 'delete' END,
                p_plan -> 'restore', p_plan -> 'modified', p_plan -> 'already_gone'
            ),
            CASE WHEN p_refused <> '' THEN
                format('mode "%s" would refuse: %s', p_plan ->> 'mode', p_refused) END
        )
    END;
END;
$_plan_message$;

COMMENT ON FUNCTION pgimport._plan_message(jsonb, text) IS
'internal: the plan of a rollback in one line.';

-- Writes a plan to the log of its job, without the lists; where nothing may be written, nothing is.
-- Called by plan_rollback and rollback_job.
CREATE OR REPLACE FUNCTION pgimport._log_plan(
    p_job pgimport.job,
    p_event text,
    p_plan jsonb,
    p_refused text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_log_plan$
BEGIN
    IF current_setting('transaction_read_only') = 'on'
        OR NOT has_table_privilege('pgimport.job_event', 'INSERT')
    THEN
        RETURN;
    END IF;
    PERFORM pgimport._log_event(
        p_job.job_id, p_event,
        jsonb_strip_nulls(
            p_plan - '{modified_rows,warnings}'::text[]
            || jsonb_build_object('refused_because', p_refused)
        )
    );
END;
$_log_plan$;

COMMENT ON FUNCTION pgimport._log_plan(pgimport.job, text, jsonb, text) IS
'internal: writes the plan of a rollback to the log of its job.';
