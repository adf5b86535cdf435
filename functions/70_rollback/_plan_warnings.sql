-- Dependents of the rows that a rollback would delete, as its mode asks for them: those that refer
-- to them, or with cascade all that hang on them. Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._plan_dependents(
    p_relation regclass,
    p_doomed text,
    p_mode text,
    OUT dependents jsonb,
    OUT warnings jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_plan_dependents$
BEGIN
    SELECT d.dependents, d.warnings INTO STRICT dependents, warnings
    FROM pgimport._dependents(p_relation, p_doomed) AS d;
    -- what hangs on dependents is looked for only where there are some
    IF p_mode = 'cascade' AND jsonb_array_length(dependents) > 0 THEN
        SELECT d.dependents, d.warnings INTO STRICT dependents, warnings
        FROM pgimport._cascade(p_relation, p_doomed) AS d;
    END IF;
END;
$_plan_dependents$;

COMMENT ON FUNCTION pgimport._plan_dependents(regclass, text, text) IS
'internal: dependents of the rows a rollback would delete.';

-- What a rollback should be thought about before, besides the counts. Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._plan_warnings(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_soft boolean
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_plan_warnings$
DECLARE
    c_delete CONSTANT integer := 8;
    c_update CONSTANT integer := 16;
    v_warnings jsonb := '[]'::jsonb;
    v_events integer := CASE WHEN p_soft THEN c_update ELSE c_delete END
        | CASE WHEN p_scope.has_image THEN c_update ELSE 0 END;
    v_triggers text;
    v_lost text;
BEGIN
    IF NOT p_scope.has_print AND p_job.rows_inserted > 0 THEN
        v_warnings := v_warnings || jsonb_build_array(
            'the fingerprints of this job are gone: rows that were rewritten count as modified'
        );
    ELSIF p_scope.untouched = 'false' THEN
        v_warnings := v_warnings || jsonb_build_array(
            'the transactions that wrote the rows cannot be recognised any more (dump and restore, '
            'a table made anew, or very old): each row is compared with its fingerprint instead'
        );
    END IF;

    SELECT string_agg(format('"%s"', c.name), ', ' ORDER BY c.name) INTO v_lost
    FROM (
        SELECT u.name FROM unnest(p_job.updated_columns || p_job.print_columns) AS u (name)
        EXCEPT
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND NOT a.attisdropped
    ) AS c;
    IF v_lost IS NOT NULL THEN
        v_warnings := v_warnings || to_jsonb(format(
            'columns %s are gone from the table: their old values cannot go back, and rows that '
            'were rewritten count as modified', v_lost
        ));
    END IF;

    IF row_security_active(p_relation) THEN
        v_warnings := v_warnings || to_jsonb(format(
            'row-level security of the table holds role "%s": rows of the job that it may not see '
            'count as gone already, and stay', current_user
        ));
    END IF;

    SELECT string_agg(DISTINCT format('"%s"', g.tgname), ', ') INTO v_triggers
    FROM pg_trigger AS g
    WHERE g.tgrelid IN (SELECT pgimport._table_tree(p_relation))
        AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & v_events <> 0;
    IF v_triggers IS NOT NULL THEN
        v_warnings := v_warnings || to_jsonb(format('triggers will fire: %s', v_triggers));
    END IF;
    RETURN v_warnings;
END;
$_plan_warnings$;

COMMENT ON FUNCTION pgimport._plan_warnings(pgimport.job, regclass, record, boolean) IS
'internal: the warnings of a rollback''s plan.';

-- How many seconds a rollback will take: by the rates of the last ones of the same target; before
-- the first one, by those of the benchmark (docs/performance.md). Called by _make_plan.
CREATE OR REPLACE FUNCTION pgimport._expected_seconds(
    p_job pgimport.job,
    p_delete bigint,
    p_restore bigint,
    p_dependents jsonb
)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_expected_seconds$
DECLARE
    c_deleted_per_second CONSTANT numeric := 1000000;
    c_restored_per_second CONSTANT numeric := 30000;
    -- of a short one, most is not spent on rows
    c_least_rows CONSTANT bigint := 10000;
    v_deleted numeric;
    v_restored numeric;
    v_cascaded numeric;
BEGIN
    SELECT
        avg(e.deleted / e.seconds) FILTER (WHERE e.deleted > c_least_rows AND e.restored = 0),
        avg(e.restored / e.seconds) FILTER (WHERE e.restored > c_least_rows AND e.deleted = 0)
    INTO v_deleted, v_restored
    FROM (
        SELECT
            (v.details ->> 'rows_deleted')::numeric AS deleted,
            (v.details ->> 'rows_restored')::numeric AS restored,
            nullif((v.details ->> 'seconds')::numeric, 0) AS seconds
        FROM pgimport.job AS j
        INNER JOIN pgimport.job_event AS v ON v.job_id = j.job_id AND v.event = 'rollback'
        WHERE j.target_id = p_job.target_id
        ORDER BY v.happened_at DESC
        LIMIT 10
    ) AS e;
    SELECT coalesce(sum((d.value ->> 'count')::numeric), 0) INTO v_cascaded
    FROM jsonb_array_elements(p_dependents) AS d;

    RETURN round(
        (p_delete + v_cascaded) / coalesce(v_deleted, c_deleted_per_second)
        + p_restore / coalesce(v_restored, c_restored_per_second), 1
    );
END;
$_expected_seconds$;

COMMENT ON FUNCTION pgimport._expected_seconds(pgimport.job, bigint, bigint, jsonb) IS
'internal: how many seconds a rollback will take.';
