-- Makes the fingerprints of a job true again after a redo: those of rows that the rollback kept are
-- emptied, for they are people's now; rows that triggers have changed on their way get new ones.
-- p_xmin: the (sub)transaction that declared the rows alive. Called by _revive_rows.
CREATE OR REPLACE FUNCTION pgimport._print_again(
    p_job pgimport.job,
    p_relation regclass,
    p_xmin xid
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_print_again$
DECLARE
    c_print CONSTANT text := pgimport._staging_name(p_job.job_id, '_print');
BEGIN
    IF to_regclass(format('pgimport_staging.%I', c_print)) IS NULL THEN
        RETURN;
    END IF;

    EXECUTE format(
        'UPDATE pgimport_staging.%I AS p SET key_hash = NULL, row_hash = NULL '
        'FROM pgimport.kept_row AS r '
        'WHERE r.job_id = $1 AND r.kind = ''inserted'' AND r.key_hash = p.key_hash', c_print
    ) USING p_job.job_id;
    IF pgimport._has_code(p_relation) THEN
        EXECUTE format(
            'UPDATE pgimport_staging.%I AS p SET row_hash = %s, '
            'hashes = CASE WHEN p.hashes IS NOT NULL THEN %s END FROM %s AS t '
            'WHERE t.import_job_id = $1 AND t.xmin = $2 AND p.key_hash = %s',
            c_print,
            pgimport._row_print_sql(p_relation, p_job.print_columns),
            pgimport._hashes_sql(p_relation, p_job.print_columns),
            p_relation,
            pgimport._key_print_sql(p_job)
        ) USING p_job.job_id, p_xmin;
    END IF;
END;
$_print_again$;

COMMENT ON FUNCTION pgimport._print_again(pgimport.job, regclass, xid) IS
'internal: makes the fingerprints of a job true again after its rows were declared alive.';

-- Declares rows alive and gives updated ones their new values back: those that are as the rollback
-- left them, so that they are the job's again, and are recorded as such; then, in a subtransaction
-- of its own and not recorded, what else can go back of rows that others have written as well.
-- Called by _redo_soft inside its exception block; raises whatever the table raises.
CREATE OR REPLACE FUNCTION pgimport._revive_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_search_path text,
    OUT rows_revived bigint,
    OUT rows_updated bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_revive_rows$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    v_has_image boolean := to_regclass(format('pgimport_staging.%I', c_image)) IS NOT NULL
        AND cardinality(p_job.updated_columns) > 0;
    v_match text := pgimport._image_key_sql(p_job);
    v_revived bigint;
    v_updated bigint := 0;
    v_xmin xid;
    r_own record;
    r_image record;
BEGIN
    SELECT d.* INTO STRICT r_own FROM pgimport._declared_sql(p_job, p_relation) AS d;
    SELECT
        string_agg(format('%I = i.n%s', c.name, c.place), ', ' ORDER BY c.place) AS whole,
        string_agg(
            format('%1$I = CASE WHEN %2$s IS NOT DISTINCT FROM %3$s THEN i.n%4$s ELSE t.%1$I END',
                c.name, c.now_sql, c.before_sql, c.place), ', ' ORDER BY c.place
        ) AS each,
        coalesce(string_agg(
            format('%s IS NOT DISTINCT FROM %s', c.now_sql, c.before_sql), ' AND '
            ORDER BY c.place
        ), 'false') AS as_before,
        coalesce(string_agg(
            format('(%1$s IS NOT DISTINCT FROM %2$s AND %2$s IS DISTINCT FROM %3$s)',
                c.now_sql, c.before_sql, c.written_sql), ' OR ' ORDER BY c.place
        ), 'false') AS any_before,
        coalesce(string_agg(
            format('(%1$s IS NOT DISTINCT FROM %2$s AND %2$s IS DISTINCT FROM %3$s)',
                c.now_sql, c.written_sql, c.before_sql), ' OR ' ORDER BY c.place
        ), 'false') AS any_written
    INTO STRICT r_image
    FROM pgimport._image_columns(p_job, p_relation) AS c;

    PERFORM pgimport._add_history(p_job.target_id, p_job.job_id, 'insert',
        format('%s AS t WHERE %s', p_relation, r_own.declared));
    IF v_has_image AND r_image.whole IS NOT NULL THEN
        PERFORM pgimport._add_history(
            p_job.target_id, p_job.job_id, 'update', format(
                '%s AS t INNER JOIN pgimport_staging.%I AS i ON %s AND (%s)',
                p_relation, c_image, v_match, r_image.any_before
            ), 'i.k%2$s', 'i.file_no, i.row_no, NULL'
        );
    END IF;
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    EXECUTE format('UPDATE %s AS t SET %s WHERE %s AND %s',
        p_relation, r_own.alive, r_own.declared, r_own.certain);
    GET DIAGNOSTICS rows_revived = ROW_COUNT;
    rows_updated := 0;
    IF v_has_image AND r_image.whole IS NOT NULL THEN
        EXECUTE format('UPDATE %s AS t SET %s FROM pgimport_staging.%I AS i WHERE %s AND %s',
            p_relation, r_image.whole, c_image, v_match, r_image.as_before);
        GET DIAGNOSTICS rows_updated = ROW_COUNT;
    END IF;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    v_xmin := pgimport._record_write(
        p_job.job_id, p_relation, rows_revived + rows_updated, NULL
    );
    PERFORM pgimport._print_again(p_job, p_relation, v_xmin);

    BEGIN
        PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
        EXECUTE format('UPDATE %s AS t SET %s WHERE %s',
            p_relation, r_own.alive, r_own.declared);
        GET DIAGNOSTICS v_revived = ROW_COUNT;
        IF v_has_image AND r_image.whole IS NOT NULL THEN
            EXECUTE format(
                'UPDATE %s AS t SET %s FROM pgimport_staging.%I AS i WHERE %s AND (%s)',
                p_relation, r_image.each, c_image, v_match, r_image.any_before
            );
            GET DIAGNOSTICS v_updated = ROW_COUNT;
        END IF;
        PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    EXCEPTION
        -- only for a subtransaction, which gives these rows an xmin that proves nothing
        WHEN unique_violation OR exclusion_violation THEN
            RAISE;
    END;
    PERFORM pgimport._check_deferred(p_relation, p_search_path);

    IF v_has_image THEN
        EXECUTE format(
            'UPDATE pgimport_staging.%I AS i SET undone = NOT i.undone '
            'WHERE i.undone = EXISTS (SELECT FROM %s AS t WHERE %s AND (%s))',
            c_image, p_relation, v_match, r_image.any_written
        );
    END IF;
    rows_revived := rows_revived + v_revived;
    rows_updated := rows_updated + v_updated;
END;
$_revive_rows$;

COMMENT ON FUNCTION pgimport._revive_rows(pgimport.job, regclass, text) IS
'internal: declares the rows of a job alive again and gives updated ones their new values back.';
