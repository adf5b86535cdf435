-- Finds rows that the unique and exclusion constraints of the target beside its key would refuse:
-- first those in conflict with rows of the table. Rows whose key is in the table are not inserted
-- and conflict with nothing; those that are updated are compared as they are afterwards, with all
-- rows but their own: also with one that the same job changes, as nobody knows which comes first.
-- What conflicts among the rows of the job is put down as claims
-- (constraint, group, row): of a group one row at most can be inserted.
-- Called by _mark_duplicates. Returns the constraints whose claims are to be settled by
-- _settle_conflicts, null where there are none.
CREATE OR REPLACE FUNCTION pgimport._mark_conflicts(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT guards jsonb
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_mark_conflicts$
DECLARE
    c_claim CONSTANT text := pgimport._staging_name(p_job.job_id, '_claim');
    v_key text;
    v_last bigint;
    v_updates boolean := pgimport._is_staged(
        pgimport._staging_name(p_job.job_id, '_merged')
    );
    r_guard record;
BEGIN
    IF NOT pgimport._is_guarded(p_job, p_relation) THEN
        RETURN;
    END IF;
    -- read from the catalog once
    SELECT jsonb_agg(to_jsonb(u)) INTO guards
    FROM pgimport._unique_constraints(p_job, p_relation) AS u
    WHERE u.skipped IS NULL;
    IF guards IS NULL THEN
        RETURN;
    END IF;
    SELECT coalesce(max(i.issue_id), 0) INTO v_last FROM pgimport.issue AS i
    WHERE i.job_id = p_job.job_id;

    FOR r_guard IN
        SELECT u.* FROM pgimport._each_guard(guards) AS u
    LOOP
        PERFORM pgimport._store_keys(p_job, p_relation, r_guard, p_search_path);
        v_key := pgimport._staging_name(p_job.job_id, '_key' || r_guard.constraint_no);
        PERFORM pgimport._add_violations(
            p_job, r_guard,
            format(
                'SELECT k.file_no, k.row_no, k.shown FROM pgimport_staging.%I AS k WHERE %s '
                'AND EXISTS (SELECT FROM (SELECT %s%s FROM %s WHERE %s) AS t WHERE %s%s)',
                v_key,
                replace(r_guard.complete, '{a}', 'k'),
                r_guard.keys,
                CASE WHEN v_updates THEN ', tableoid AS rel, ctid AS tid' END,
                r_guard.relation,
                r_guard.predicate,
                replace(replace(r_guard.same, '{a}', 't'), '{b}', 'k'),
                CASE WHEN v_updates
                    THEN ' AND (t.rel = k.rel AND t.tid = k.tid) IS NOT TRUE' END
            ), NULL, p_search_path
        );
    END LOOP;
    PERFORM pgimport._mark_invalid(p_job, v_last);

    EXECUTE format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I (constraint_no integer NOT NULL, '
        'group_no bigint NOT NULL, file_no integer NOT NULL, row_no bigint NOT NULL)', c_claim
    );
    FOR r_guard IN
        SELECT u.* FROM pgimport._each_guard(guards) AS u
    LOOP
        PERFORM pgimport._store_claims(p_job, r_guard, p_search_path);
    END LOOP;

    PERFORM pgimport._mark_invalid(p_job, v_last);

    IF NOT pgimport._has_rows(c_claim) THEN
        PERFORM pgimport._drop_claims(p_job);
        guards := NULL;
    END IF;
END;
$_mark_conflicts$;

COMMENT ON FUNCTION pgimport._mark_conflicts(pgimport.job, regclass, text) IS
'internal: finds rows in conflict with the table, and claims of rows on the same values.';

-- Stores what a unique or exclusion constraint compares of the rows that may be inserted, and of
-- those that are updated in a column of it, with their place in the target. Called by
-- _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._store_keys(
    p_job pgimport.job,
    p_relation regclass,
    p_guard record,
    p_search_path text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_store_keys$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_key CONSTANT text := pgimport._staging_name(p_job.job_id, '_key' || p_guard.constraint_no);
    v_updates boolean := pgimport._is_staged(
        pgimport._staging_name(p_job.job_id, '_merged')
    );
    v_touched boolean := v_updates AND p_guard.needs && ARRAY(
        SELECT c.column_name FROM pgimport._merge_columns(p_job) AS c
    );
    v_create text := format(
        'CREATE UNLOGGED TABLE pgimport_staging.%I AS '
        'SELECT "pgimport file_no" AS file_no, "pgimport row_no" AS row_no, %s AS shown, %s%s '
        'FROM %s AS r WHERE %s AND NOT r."pgimport bad" && %L '
        'AND NOT EXISTS (SELECT FROM pgimport_staging.%I AS m '
        'WHERE m.kind = ''d'' AND m.file_no = "pgimport file_no" '
        'AND m.row_no = "pgimport row_no")',
        c_key,
        pgimport._shown_values(p_job, p_guard.shown),
        p_guard.keys,
        CASE WHEN v_updates THEN ', NULL::oid AS rel, NULL::tid AS tid' END,
        pgimport._row_sql(p_job, p_relation, '_value'),
        p_guard.predicate,
        p_guard.needs,
        pgimport._staging_name(p_job.job_id, '_mark')
    ) || CASE WHEN v_touched THEN format(
        ' UNION ALL SELECT "pgimport file_no", "pgimport row_no", %s, %s, '
        '"pgimport rel", "pgimport tid" FROM %s AS r WHERE %s',
        pgimport._shown_values(p_job, p_guard.shown),
        p_guard.keys,
        pgimport._row_sql(p_job, p_relation, '_merged'),
        p_guard.predicate
    ) ELSE '' END;
BEGIN
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE v_create;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    EXECUTE format('ANALYZE pgimport_staging.%I', c_key);
END;
$_store_keys$;

COMMENT ON FUNCTION pgimport._store_keys(pgimport.job, regclass, record, text) IS
'internal: stores what a unique constraint compares of the rows of a job.';

-- Puts down which rows of the job claim the same values of a constraint: those equal by a B-tree
-- as one group, those in conflict by an exclusion constraint pair by pair, found by an index of
-- the same kind. Called by _mark_conflicts.
CREATE OR REPLACE FUNCTION pgimport._store_claims(
    p_job pgimport.job,
    p_guard record,
    p_search_path text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_store_claims$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_key CONSTANT text := pgimport._staging_name(p_job.job_id, '_key' || p_guard.constraint_no);
    c_claim CONSTANT text := pgimport._staging_name(p_job.job_id, '_claim');
BEGIN
    -- those that fell to rows of the table claim nothing
    EXECUTE format(
        'DELETE FROM pgimport_staging.%I AS k USING pgimport_staging.%I AS m '
        'WHERE m.kind = ''x'' AND m.file_no = k.file_no AND m.row_no = k.row_no',
        c_key, pgimport._staging_name(p_job.job_id, '_mark')
    );
    IF p_guard.order_keys IS NOT NULL THEN
        EXECUTE format(
            'INSERT INTO pgimport_staging.%I SELECT %s, q.group_no, q.file_no, q.row_no FROM ('
            'SELECT k.file_no, k.row_no, count(*) OVER (PARTITION BY %s) AS size, '
            'dense_rank() OVER (ORDER BY %3$s) AS group_no '
            'FROM pgimport_staging.%I AS k WHERE %s) AS q WHERE q.size > 1',
            c_claim, p_guard.constraint_no, p_guard.order_keys, c_key,
            replace(p_guard.complete, '{a}', 'k')
        );
    ELSE
        BEGIN
            PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
            EXECUTE format('CREATE INDEX ON pgimport_staging.%I %s', c_key, p_guard.access);
            PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
        EXCEPTION
            -- what such an index cannot hold, the table's own takes no row with, either
            WHEN undefined_function OR data_exception OR program_limit_exceeded THEN
                PERFORM pgimport._add_violations(p_job, p_guard, format(
                    'SELECT k.file_no, k.row_no, k.shown FROM pgimport_staging.%I AS k WHERE %s',
                    c_key, replace(p_guard.complete, '{a}', 'k')
                ), NULL, p_search_path);
                RETURN;
        END;
        EXECUTE format('ANALYZE pgimport_staging.%I', c_key);
        EXECUTE format(
            'WITH pair AS MATERIALIZED (SELECT row_number() OVER () AS group_no, '
            'a.file_no AS file_a, a.row_no AS row_a, b.file_no AS file_b, b.row_no AS row_b '
            'FROM pgimport_staging.%1$I AS a INNER JOIN pgimport_staging.%1$I AS b '
            'ON (a.file_no, a.row_no) < (b.file_no, b.row_no) AND %2$s) '
            'INSERT INTO pgimport_staging.%3$I '
            'SELECT %4$s, p.group_no, p.file_a, p.row_a FROM pair AS p UNION ALL '
            'SELECT %4$s, p.group_no, p.file_b, p.row_b FROM pair AS p',
            c_key,
            replace(replace(p_guard.same, '{a}', 'a'), '{b}', 'b'),
            c_claim,
            p_guard.constraint_no
        );
    END IF;
END;
$_store_claims$;

COMMENT ON FUNCTION pgimport._store_claims(pgimport.job, record, text) IS
'internal: puts down which rows of a job claim the same values of a constraint.';

-- Drops the tables that conflicts are found with. Called when they are settled.
CREATE OR REPLACE FUNCTION pgimport._drop_claims(
    p_job pgimport.job
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_drop_claims$
DECLARE
    v_table text;
BEGIN
    FOR v_table IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname ~ ('^' || pgimport._staging_name(p_job.job_id) || '_(key[0-9]+|claim)$')
    LOOP
        PERFORM pgimport._drop_staged(v_table);
    END LOOP;
END;
$_drop_claims$;

COMMENT ON FUNCTION pgimport._drop_claims(pgimport.job) IS
'internal: drops the tables that conflicts are found with.';

-- The rows of _unique_constraints() out of an array of them. Called where they are read again.
CREATE OR REPLACE FUNCTION pgimport._each_guard(
    p_guards jsonb
)
RETURNS TABLE (
    constraint_no integer,
    code text,
    columns text[],
    shown text[],
    needs text[],
    detail text,
    relation text,
    keys text,
    predicate text,
    same text,
    complete text,
    order_keys text,
    access text
)
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $_each_guard$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        g.constraint_no, g.code, g.columns, g.shown, g.needs, g.detail, g.relation, g.keys,
        g.predicate, g.same, g.complete, g.order_keys, g.access
    FROM jsonb_to_recordset(p_guards) AS g (
        constraint_no integer, code text, columns text[], shown text[], needs text[],
        detail text, relation text, keys text, predicate text, same text, complete text,
        order_keys text, access text
    );
END;
$_each_guard$;

COMMENT ON FUNCTION pgimport._each_guard(jsonb) IS
'internal: the unique constraints of a target out of an array of them.';
