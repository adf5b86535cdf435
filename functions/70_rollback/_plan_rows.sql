-- The rows of one class of a rollback's plan, a page of them in the order of their keys. kind:
-- inserted or updated by the job. columns: with modified, those that are not what the job wrote.
-- Classes: delete, restore, gone (of the updated rows; an inserted one has left nothing), modified,
-- taken.
-- Called by _make_plan, _carry_out and rollback_rows.
CREATE OR REPLACE FUNCTION pgimport._plan_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_options jsonb,
    p_class text,
    p_after bigint,
    p_limit bigint
)
RETURNS TABLE (
    row_no bigint,
    kind text,
    key jsonb,
    key_hash bigint,
    columns text[],
    detail text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_plan_rows$
-- fragments were quoted where they were made; columns come from them:
-- @plpgsql_check_options: security_warnings = false, extra_warnings = false
DECLARE
    v_own text;
    v_image text;
    r_scope record;
BEGIN
    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, p_relation, p_options) AS s;
    v_own := pgimport._own_rows_sql(p_job, p_relation, r_scope, p_class, p_after + p_limit);
    v_image := pgimport._image_rows_sql(p_job, p_relation, r_scope, p_class, p_after + p_limit);
    IF p_class = 'taken' AND r_scope.has_image THEN
        v_image := (
            SELECT format(
                'SELECT ''updated'' AS kind, q.key, NULL::bigint AS key_hash, q.columns, '
                '''another row has the old value: '' || q.constraint_name AS detail, '
                'ARRAY[q.key::text] AS place FROM (%s) AS q',
                pgimport._taken_sql(
                    p_job, p_relation, r_scope,
                    pgimport._doomed_sql(p_relation, r_scope, false, 1), 'refuse',
                    pgimport._is_soft(p_job, p_relation, p_options)
                )
            )
        );
    END IF;
    IF coalesce(v_own, v_image) IS NULL THEN
        RETURN;
    END IF;
    PERFORM pgimport._plan_job_rows(
        greatest(p_job.rows_inserted, p_job.rows_updated), p_relation
    );

    RETURN QUERY EXECUTE format(
        'SELECT r.row_no, r.kind, r.key, r.key_hash, r.columns, r.detail FROM ('
        'SELECT row_number() OVER (ORDER BY q.kind, q.place COLLATE "C") AS row_no, q.* '
        'FROM (%s) AS q) AS r WHERE r.row_no > %s ORDER BY r.row_no LIMIT %s',
        concat_ws(' UNION ALL ', v_own, v_image), p_after, coalesce(p_limit::text, 'ALL')
    );
END;
$_plan_rows$;

COMMENT ON FUNCTION pgimport._plan_rows(pgimport.job, regclass, jsonb, text, bigint, bigint) IS
'internal: a page of the rows of one class of a rollback''s plan.';

-- SELECT of the rows of a class that the job inserted, the first p_most of them; null where there
-- can be none. Called by _plan_rows.
CREATE OR REPLACE FUNCTION pgimport._own_rows_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_class text,
    p_most bigint
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_own_rows_sql$
DECLARE
    c_columns CONSTANT text := 'SELECT ''inserted'' AS kind, %s AS key, %s AS key_hash, '
        '%s::text[] AS columns, %s AS detail, %s AS place FROM ';
    v_key_hash text := pgimport._key_print_sql(p_job);
    v_place text := pgimport._row_place_sql(p_job, 't.');
    v_first text := format(' ORDER BY %s LIMIT %s', v_place, coalesce(p_most::text, 'ALL'));
BEGIN
    RETURN CASE p_class
        WHEN 'delete' THEN format(
            '(' || c_columns || '%s AS t WHERE %s AND %s%s) UNION ALL (' || c_columns
            || '(%s) AS t WHERE t."pgimport state" = ''e''%s)',
            p_scope.key, v_key_hash, '''{}''', '''untouched since''', v_place,
            p_relation, p_scope.carries, p_scope.untouched, v_first,
            p_scope.key, v_key_hash, '''{}''', '''rewritten, but equal''', v_place,
            p_scope.rest, v_first
        )
        WHEN 'modified' THEN format(
            c_columns || '(SELECT t.* FROM (%s) AS t WHERE t."pgimport state" = ''m''%s) AS t%s',
            p_scope.key, v_key_hash,
            pgimport._changed_columns_sql(p_job, p_relation, p_scope),
            'NULL::text',
            v_place,
            p_scope.rest,
            v_first,
            pgimport._changed_joins_sql(p_job, p_relation, p_scope)
        )
    END;
END;
$_own_rows_sql$;

COMMENT ON FUNCTION pgimport._own_rows_sql(pgimport.job, regclass, record, text, bigint) IS
'internal: SELECT of the rows of a class that a job inserted.';

-- SQL of what rows are listed by: the texts of their keys. p_prefix: of the columns of the key; the
-- columns k… of an image where it is null. Called by _own_rows_sql and _image_rows_sql.
CREATE OR REPLACE FUNCTION pgimport._row_place_sql(
    p_job pgimport.job,
    p_prefix text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_row_place_sql$
BEGIN
    RETURN (
        SELECT format('ARRAY[%s] COLLATE "C"', string_agg(
            coalesce(p_prefix || quote_ident(k.name), format('i.k%s', k.place)) || '::text', ', '
            ORDER BY k.place
        ))
        FROM pgimport.target AS g
        CROSS JOIN LATERAL unnest(g.key_columns) WITH ORDINALITY AS k (name, place)
        WHERE g.target_id = p_job.target_id
    );
END;
$_row_place_sql$;

COMMENT ON FUNCTION pgimport._row_place_sql(pgimport.job, text) IS
'internal: SQL of what rows are listed by.';

-- SELECT of the rows of a class that the job updated, the first p_most of them; null where there
-- can be none. Called by _plan_rows.
CREATE OR REPLACE FUNCTION pgimport._image_rows_sql(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_class text,
    p_most bigint
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_image_rows_sql$
BEGIN
    IF NOT p_scope.has_image OR p_class NOT IN ('restore', 'gone', 'modified') THEN
        RETURN NULL;
    END IF;
    RETURN format(
        'SELECT ''updated'' AS kind, q.key, q.key_hash, q.columns, CASE q.state '
        'WHEN ''u'' THEN ''untouched since'' WHEN ''e'' THEN ''rewritten, but equal'' END '
        'AS detail, q.place FROM (SELECT %1$s AS state, %2$s AS key, i.key_hash, %9$s AS place, '
        'CASE WHEN t.tableoid IS NULL THEN ''{}'' ELSE %3$s END AS columns '
        'FROM pgimport_staging.%4$I AS i LEFT JOIN %5$s AS t ON %6$s '
        'WHERE %7$s AND %1$s IN (%8$s) ORDER BY %9$s LIMIT %10$s) AS q',
        pgimport._image_state_sql(p_job, p_relation, p_scope),
        p_scope.image_key,
        p_scope.changed,
        pgimport._staging_name(p_job.job_id, '_image'),
        p_relation,
        p_scope.matches,
        p_scope.wanted,
        CASE p_class WHEN 'restore' THEN '''u'', ''e''' WHEN 'gone' THEN '''g''' ELSE '''m''' END,
        pgimport._row_place_sql(p_job, NULL),
        coalesce(p_most::text, 'ALL')
    );
END;
$_image_rows_sql$;

COMMENT ON FUNCTION pgimport._image_rows_sql(pgimport.job, regclass, record, text, bigint) IS
'internal: SELECT of the rows of a class that a job updated.';
