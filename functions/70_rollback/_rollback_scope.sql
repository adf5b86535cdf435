-- The SQL of everything that a rollback looks at, made in one place, so that the plan, its lists
-- and the rollback itself speak of the same rows. Rows of the target are t, those of the job's
-- table of before-images i.
-- carries: condition on t: the job inserted it and nobody declared it deleted since.
-- untouched: condition on t that proves it untouched by its xmin.
-- rest: SELECT of the rows that carry the job's id and are not untouched: "pgimport rel", "pgimport
-- ctid", "pgimport state" (e: rewritten, but equal to what the job's fingerprints say; m: modified)
-- and the columns of the target.
-- matches: condition under which t is the row that i is the image of. equal: condition on t and i:
-- what the job wrote is still there. changed: array of the columns of which that is not so.
-- wanted: condition on t and i: the rollback is about this row. has_image, has_print: whether these
-- tables are there. key, image_key: the key as JSONB.
-- Called by the planner and by what carries its plans out.
CREATE OR REPLACE FUNCTION pgimport._rollback_scope(
    p_job pgimport.job,
    p_relation regclass,
    p_options jsonb,
    OUT carries text,
    OUT untouched text,
    OUT rest text,
    OUT matches text,
    OUT equal text,
    OUT changed text,
    OUT wanted text,
    OUT key text,
    OUT image_key text,
    OUT has_image boolean,
    OUT has_print boolean
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rollback_scope$
DECLARE
    c_print CONSTANT text := pgimport._staging_name(p_job.job_id, '_print');
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    v_prints text;
    r_filter record;
BEGIN
    has_print := to_regclass(format('pgimport_staging.%I', c_print)) IS NOT NULL
        AND p_job.print_columns IS NOT NULL;
    has_image := to_regclass(format('pgimport_staging.%I', c_image)) IS NOT NULL
        AND cardinality(p_job.updated_columns) > 0;
    SELECT f.* INTO STRICT r_filter
    FROM pgimport._rollback_filter(p_job, p_relation, p_options) AS f;

    SELECT
        format('jsonb_build_object(%s)', string_agg(
            format('%L, %s', k.name, pgimport._shown_key(
                p_job.target_id, k.name, format('t.%I', k.name)
            )), ', ' ORDER BY k.place
        )),
        format('jsonb_build_object(%s)', string_agg(
            format('%L, %s', k.name, pgimport._shown_key(
                p_job.target_id, k.name, format('i.k%s', k.place)
            )), ', ' ORDER BY k.place
        ))
    INTO key, image_key
    FROM pgimport.target AS g
    CROSS JOIN LATERAL unnest(g.key_columns) WITH ORDINALITY AS k (name, place)
    WHERE g.target_id = p_job.target_id;

    -- what was inserted can be deleted also where the index of the key is gone
    IF has_image THEN
        matches := pgimport._image_key_sql(p_job);
    END IF;

    SELECT
        coalesce(string_agg(format('%s IS NOT DISTINCT FROM %s', c.now_sql, c.written_sql),
            ' AND ' ORDER BY c.place), 'true'),
        format('array_remove(ARRAY[%s]::text[], NULL)', string_agg(
            format('CASE WHEN %s IS DISTINCT FROM %s THEN %L END',
                c.now_sql, c.written_sql, c.name), ', ' ORDER BY c.place
        ))
    INTO equal, changed
    FROM pgimport._image_columns(p_job, p_relation) AS c;

    untouched := pgimport._untouched_sql(p_job, p_relation);
    carries := format('t.import_job_id = %L::uuid', p_job.job_id)
        || coalesce(' AND ' || pgimport._alive_sql(p_job.target_id, p_relation), '')
        || coalesce(' AND ' || r_filter.own, '');
    wanted := concat_ws(' AND ', 'NOT i.undone', r_filter.updated);

    IF has_print THEN
        v_prints := format(
            ' LEFT JOIN %s AS p ON p.key_hash = %s AND p.row_hash = %s',
            -- only where a key may be there twice, a fingerprint may, too
            CASE WHEN p_job.options ->> 'on_duplicate' = 'create' OR EXISTS (
                SELECT FROM pgimport.target AS g
                INNER JOIN pg_attribute AS a
                    ON a.attrelid = p_relation AND a.attname = ANY (g.key_columns)
                WHERE g.target_id = p_job.target_id AND NOT a.attnotnull
            ) THEN format(
                '(SELECT DISTINCT d.key_hash, d.row_hash FROM pgimport_staging.%I AS d)', c_print
            ) ELSE format('pgimport_staging.%I', c_print) END,
            pgimport._key_print_sql(p_job),
            pgimport._row_print_sql(p_relation, p_job.print_columns)
        );
    END IF;
    rest := format(
        'SELECT t.tableoid AS "pgimport rel", t.ctid AS "pgimport ctid", '
        'CASE WHEN %s THEN ''e'' ELSE ''m'' END AS "pgimport state", t.* FROM %s AS t%s '
        'WHERE %s AND (%s) IS NOT TRUE%s',
        CASE WHEN has_print THEN 'p.key_hash IS NOT NULL' ELSE 'false' END,
        p_relation,
        v_prints,
        carries,
        untouched,
        -- rows that an earlier rollback kept are people's, and the redo since then left them alone
        CASE WHEN p_job.redone > 0 THEN format(
            ' AND NOT EXISTS (SELECT FROM pgimport.kept_row AS r WHERE r.job_id = %L::uuid '
            'AND r.kind = ''inserted'' AND r.kept_at < %L::timestamptz AND r.key_hash = %s%s)',
            p_job.job_id, p_job.completed_at, pgimport._key_print_sql(p_job),
            CASE WHEN has_print THEN format(
                ' AND NOT EXISTS (SELECT FROM pgimport_staging.%I AS w '
                'WHERE w.key_hash = r.key_hash)', c_print
            ) END
        ) END
    );
END;
$_rollback_scope$;

COMMENT ON FUNCTION pgimport._rollback_scope(pgimport.job, regclass, jsonb) IS
'internal: the SQL of the rows that a rollback of a job looks at.';

-- SQL of one column of a key as text, masked where the column is sensitive. Called by
-- _rollback_scope.
CREATE OR REPLACE FUNCTION pgimport._shown_key(
    p_target_id bigint,
    p_column text,
    p_value text
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_shown_key$
BEGIN
    RETURN CASE
        WHEN EXISTS (
            SELECT FROM pgimport.target_column AS c
            WHERE c.target_id = p_target_id
                AND c.column_name = p_column
                AND (c.rules ->> 'sensitive')::boolean
        ) THEN format('pgimport._mask(%s::text)', p_value)
        ELSE format('%s::text', p_value)
    END;
END;
$_shown_key$;

COMMENT ON FUNCTION pgimport._shown_key(bigint, text, text) IS
'internal: SQL of one column of a key as text.';
