-- Starts an import: writes the job's record, nothing else. Files follow with stage_file().
-- Called by users. Raises PI001, PI002, PI003, PI201, PI204, PI205, PI206, PI207, PI212.
CREATE OR REPLACE FUNCTION pgimport.create_job(
    p_target text,
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $create_job$
DECLARE
    v_target pgimport.target := pgimport._find_target(p_target);
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_constants jsonb;
    v_tenant_column text;
    v_job pgimport.job;
    r_bad record;
BEGIN
    PERFORM pgimport._check_job_options(v_options);
    -- the job keeps what holds for it, also when the target's default changes later
    v_options := v_options || jsonb_build_object('on_duplicate', coalesce(
        v_options ->> 'on_duplicate', v_target.options ->> 'on_duplicate', 'skip'
    ));
    PERFORM pgimport._require_key(v_target, v_options ->> 'on_duplicate');

    -- the tenant of a job fills the target's tenant column, unless the job says otherwise
    v_tenant_column := v_target.options ->> 'tenant_column';
    v_constants := coalesce(v_options -> 'constants', '{}');
    IF v_tenant_column IS NOT NULL AND v_options ? 'tenant'
        AND NOT v_constants ? v_tenant_column
    THEN
        v_constants := v_constants || jsonb_build_object(v_tenant_column, v_options -> 'tenant');
    END IF;

    PERFORM pgimport._check_mapping(v_target.target_id, v_options -> 'mapping', v_constants);
    PERFORM pgimport._check_assignment(v_target, v_options -> 'assignment', v_constants);

    SELECT c.column_name, c.type_name, k.value #>> '{}' AS given INTO r_bad
    FROM jsonb_each(v_constants) AS k
    INNER JOIN pgimport._target_columns(v_target.target_id) AS c ON c.column_name = k.key
    WHERE pgimport._cast_sqlstate(k.value #>> '{}', c.type_name) IS NOT NULL
        OR char_length(rtrim(k.value #>> '{}', ' ')) > c.max_length;

    IF r_bad.column_name IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI003',
            MESSAGE = format('constant for column "%s" is not a valid %s',
                r_bad.column_name, r_bad.type_name),
            DETAIL = format('it is %s', quote_literal(left(r_bad.given, 200))),
            HINT = 'give constants as texts, as a file would hold them';
    END IF;

    INSERT INTO pgimport.job (
        job_id, target_id, actor, tenant, source, source_info, options, mapping, idempotency_key
    )
    VALUES (
        pgimport._new_job_id(), v_target.target_id,
        coalesce(v_options ->> 'actor', nullif(current_setting('pgimport.actor', true), '')),
        v_options ->> 'tenant',
        v_options ->> 'source', v_options ->> 'source_info',
        v_options || jsonb_build_object('constants', v_constants), v_options -> 'mapping',
        v_options ->> 'idempotency_key'
    )
    ON CONFLICT DO NOTHING
    RETURNING * INTO v_job;

    IF v_job.job_id IS NULL THEN
        -- the same call again, perhaps by a client that never saw the first answer
        SELECT j.* INTO STRICT v_job
        FROM pgimport.job AS j
        WHERE j.target_id = v_target.target_id
            AND j.idempotency_key = v_options ->> 'idempotency_key'
            AND j.owner_role = current_user
            AND j.status NOT IN ('cancelled', 'rolled_back')
            AND j.deleted_at IS NULL;

        RETURN pgimport._envelope(
            v_job,
            format('job %s has this idempotency key already and is %s',
                v_job.job_id, v_job.status),
            '{"existing": true}',
            jsonb_build_array('no new job was made: the idempotency key names a living one')
        );
    END IF;

    INSERT INTO pgimport.job_event (job_id, event, to_status, actor)
    VALUES (v_job.job_id, 'created', v_job.status, v_job.actor);

    -- the live counter, seen by others once this is committed; see _begin_phase. It never ends:
    -- whatever its owner writes to it, nobody who counts rows fails
    EXECUTE format(
        'CREATE SEQUENCE pgimport_staging.%I AS bigint CACHE 1000 CYCLE',
        pgimport._staging_name(v_job.job_id, '_count')
    );

    RETURN pgimport._envelope(
        v_job, format('job %s is ready for its files', v_job.job_id), '{"existing": false}'
    );
END;
$create_job$;

COMMENT ON FUNCTION pgimport.create_job(text, jsonb) IS
'Starts an import into a registered target and returns its job_id; options: source, source_info, '
'constants, tenant, actor, mapping, on_duplicate, keep, on_issue, max_issues, max_issue_ratio, '
'max_duplicate_ratio, assignment, durable, idempotency_key, force. '
'Example: select pgimport.create_job(''codes'', ''{"source": "psql"}'') ->> ''job_id''';
