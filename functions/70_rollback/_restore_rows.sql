-- Gives rows that a job updated their old values back: all columns where the row is as the job left
-- it; with keep_modified, of a modified row, those columns that are still what the job wrote; with
-- force all columns of every row. Constraints and triggers work as in any UPDATE, the latter under
-- the caller's search_path.
-- rows_restored: rows that have got all columns back. rows_touched: rows of which any went back.
-- Called by _carry_out.
CREATE OR REPLACE FUNCTION pgimport._restore_rows(
    p_job pgimport.job,
    p_relation regclass,
    p_scope record,
    p_mode text,
    p_partial boolean,
    p_search_path text,
    OUT rows_restored bigint,
    OUT rows_touched bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
SET jit = off
AS $_restore_rows$
-- fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_image CONSTANT text := pgimport._staging_name(p_job.job_id, '_image');
    v_memory text := pgimport._raise_memory();
    v_whole text := format('(%s OR %s)', p_scope.untouched, p_scope.equal);
    v_where text := concat_ws(' AND ', p_scope.matches, p_scope.wanted);
    v_all text;
    v_restore text;
    v_each text;
    v_any text;
    v_kept bigint := 0;
BEGIN
    SELECT
        string_agg(format('%I = i.o%s', c.name, c.place), ', ' ORDER BY c.place),
        string_agg(
            format(
                '%1$I = CASE WHEN %2$s IS NOT DISTINCT FROM %3$s THEN i.o%4$s ELSE t.%1$I END',
                c.name, c.now_sql, c.written_sql, c.place
            ), ', ' ORDER BY c.place
        ),
        string_agg(
            format(
                '(%1$s IS NOT DISTINCT FROM %2$s AND %1$s IS DISTINCT FROM %3$s)',
                c.now_sql, c.written_sql, c.before_sql
            ), ' OR ' ORDER BY c.place
        )
    INTO v_all, v_each, v_any
    FROM pgimport._image_columns(p_job, p_relation) AS c;

    PERFORM pgimport._add_history(
        p_job.target_id, p_job.job_id, 'restore', format(
            '%s AS t INNER JOIN pgimport_staging.%I AS i ON %s%s', p_relation, c_image, v_where,
            CASE p_mode
                WHEN 'force' THEN ''
                WHEN 'keep_modified' THEN format(' AND (%s OR %s)', v_whole, v_any)
                ELSE format(' AND %s', v_whole)
            END
        ), 'i.k%2$s', 'i.file_no, i.row_no, NULL'
    );
    PERFORM pgimport._begin_phase(p_job.job_id, 'restore', p_job.rows_updated);
    PERFORM set_config('search_path', pgimport._caller_path(p_search_path), true);
    -- the modified rows first: afterwards those that went back would look modified
    IF p_mode = 'keep_modified' THEN
        EXECUTE format(
            'UPDATE %s AS t SET %s FROM pgimport_staging.%I AS i WHERE %s AND NOT %s AND (%s)',
            p_relation, v_each, c_image, v_where, v_whole, v_any
        );
        GET DIAGNOSTICS v_kept = ROW_COUNT;
        -- they carry this transaction's xmin now and are not what the job wrote: left alone below
    END IF;
    v_restore := format(
        'UPDATE %s AS t SET %s FROM pgimport_staging.%I AS i WHERE %s%s AND %s',
        p_relation, v_all, c_image, v_where,
        CASE WHEN p_mode <> 'force' THEN format(' AND %s', v_whole) END,
        pgimport._count_sql(
            p_job.job_id, p_job.rows_updated,
            'i.row_no OPERATOR(pg_catalog.+) pg_catalog.hashtid(t.ctid)'
        )
    );
    -- after a rollback of some rows the others can still be rolled back
    IF p_partial THEN
        v_restore := format(
            'WITH restored AS (%s RETURNING i.ctid AS image) '
            'UPDATE pgimport_staging.%I AS i SET undone = true FROM restored AS r '
            'WHERE i.ctid = r.image', v_restore, c_image
        );
    END IF;
    EXECUTE v_restore;
    GET DIAGNOSTICS rows_restored = ROW_COUNT;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM set_config('work_mem', v_memory, true);
    rows_touched := rows_restored + v_kept;
END;
$_restore_rows$;

COMMENT ON FUNCTION pgimport._restore_rows(pgimport.job, regclass, record, text, boolean, text) IS
'internal: gives rows that a job updated their old values back, in a rollback.';
