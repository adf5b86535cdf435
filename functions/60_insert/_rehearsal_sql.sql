-- How many rows of a job a rehearsal draws to be updated, of a sample of p_size rows: as large a
-- part of it as they are of the job, and at least one. Called by _rehearse.
CREATE OR REPLACE FUNCTION pgimport._updates_in_sample(
    p_job pgimport.job,
    p_size integer
)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_updates_in_sample$
DECLARE
    v_updates bigint := (pgimport._class_counts(p_job) -> 'update')::bigint;
BEGIN
    RETURN CASE
        WHEN v_updates = 0 OR p_size IS NULL OR p_size >= v_updates + p_job.clean_rows
            THEN v_updates
        ELSE greatest(
            round(p_size::numeric * v_updates / (v_updates + p_job.clean_rows)), 1
        )
    END;
END;
$_updates_in_sample$;

COMMENT ON FUNCTION pgimport._updates_in_sample(pgimport.job, integer) IS
'internal: how many rows of a rehearsal are updates.';

-- Puts rows of a job that change a row of the target into its table of rehearsal, behind those that
-- are inserted: all of them, or p_size of them, drawn at random. Returns how many they are.
-- Called by _rehearse, inside what rehearse_job undoes.
CREATE OR REPLACE FUNCTION pgimport._sample_updates(
    p_job pgimport.job,
    p_relation regclass,
    p_first bigint,
    p_size bigint
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on
SET jit = off
AS $_sample_updates$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    c_rehearsal CONSTANT text := pgimport._staging_name(p_job.job_id, '_rehearsal');
    v_columns text[] := ARRAY(SELECT m.column_name FROM pgimport._merge_columns(p_job) AS m);
    v_rows bigint;
BEGIN
    EXECUTE format(
        'ALTER TABLE pgimport_staging.%I ADD COLUMN updates boolean NOT NULL DEFAULT false',
        c_rehearsal
    );
    IF p_size = 0 OR v_columns = '{}' THEN
        RETURN 0;
    END IF;
    PERFORM pgimport._plan_keys(p_size, p_relation);
    EXECUTE format(
        'INSERT INTO pgimport_staging.%I SELECT %s + row_number() OVER ('
        'ORDER BY r.file_no, r.row_no), r.*, 0, true FROM ('
        'SELECT v.* %s AND %s ORDER BY random() LIMIT %s) AS r',
        c_rehearsal,
        p_first - 1,
        pgimport._update_source_sql(p_job, p_relation),
        pgimport._differs_sql(p_relation, v_columns, 'n.n%1$s', 't.%2$I'),
        p_size
    );
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END;
$_sample_updates$;

COMMENT ON FUNCTION pgimport._sample_updates(pgimport.job, regclass, bigint, bigint) IS
'internal: adds rows that are updated to those that are rehearsed.';

-- The statements by which a rehearsal writes the rows from place $2 to place $3 of its table, in
-- the order of insert_job: the UPDATE of a job that updates, then the INSERT ($1: the job's id).
-- Called by _rehearse_rows.
CREATE OR REPLACE FUNCTION pgimport._rehearsal_sql(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_rehearsal_sql$
DECLARE
    c_source CONSTANT text := pgimport._staging_name(p_job.job_id, '_rehearsal');
    c_places CONSTANT text := 'v.place BETWEEN $2 AND $3';
    v_set text;
    r_key record;
BEGIN
    IF p_job.options ->> 'on_duplicate' IS DISTINCT FROM 'update' THEN
        RETURN ARRAY[pgimport._insert_sql(p_job, p_relation, c_source, c_places)];
    END IF;
    SELECT k.* INTO STRICT r_key FROM pgimport._key_sql(p_job) AS k;
    SELECT string_agg(format('%I = %s', m.column_name, m.merge_sql), ', ' ORDER BY m.place)
    INTO v_set
    FROM pgimport._merge_columns(p_job) AS m;
    RETURN array_remove(ARRAY[
        format(
            'UPDATE %s AS t SET ', p_relation
        ) || v_set || format(
            ' FROM pgimport_staging.%I AS v CROSS JOIN LATERAL (%s) AS k '
            'WHERE %s AND v.updates AND %s',
            c_source,
            -- the same row of values, not read a second time
            replace(
                r_key.staged_keys,
                format(' FROM pgimport_staging.%I AS v',
                    pgimport._staging_name(p_job.job_id, '_value')),
                ''
            ),
            c_places,
            r_key.target_equal
        ),
        pgimport._insert_sql(p_job, p_relation, c_source, c_places || ' AND NOT v.updates')
    ], NULL);
END;
$_rehearsal_sql$;

COMMENT ON FUNCTION pgimport._rehearsal_sql(pgimport.job, regclass) IS
'internal: the statements by which a rehearsal writes rows.';
