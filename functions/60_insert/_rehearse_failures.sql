-- The failures of a rehearsal as rehearse_job tells them, in the order of the files: [{file_no,
-- file, row_no, line_no, sqlstate, message, constraint, column, table}]. Values of sensitive
-- columns are taken out of the messages. Called by rehearse_job, inside what it undoes.
CREATE OR REPLACE FUNCTION pgimport._rehearse_failures(
    p_job pgimport.job,
    p_failures jsonb[],
    p_limit integer
)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $_rehearse_failures$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_message text := 'x.failure ->> ''message''';
    v_failures jsonb[];
    v_places bigint[];
    v_files integer[];
    v_rows bigint[];
    v_told jsonb;
    r_column record;
BEGIN
    FOR r_column IN
        SELECT c.raw_sql, c.value_sql FROM pgimport._written_columns(p_job) AS c
        WHERE c.rules @> '{"sensitive": true}'
    LOOP
        v_message := format(
            'replace(replace(%1$s, coalesce(%2$s, ''''), ''***''), '
            'coalesce((%3$s)::text, ''''), ''***'')',
            v_message, r_column.raw_sql, r_column.value_sql
        );
    END LOOP;
    SELECT
        array_agg(q.failure ORDER BY q.place NULLS FIRST),
        array_agg(q.place ORDER BY q.place NULLS FIRST)
    INTO v_failures, v_places
    FROM (
        SELECT f.failure, (f.failure ->> 'place')::bigint AS place
        FROM unnest(p_failures) AS f (failure)
        ORDER BY 2 NULLS FIRST LIMIT p_limit
    ) AS q;

    EXECUTE format(
        'SELECT array_agg(v.file_no), array_agg(v.row_no) FROM pgimport_staging.%I AS v '
        'WHERE v.place = ANY ($1)', pgimport._staging_name(p_job.job_id, '_rehearsal')
    ) INTO v_files, v_rows USING v_places;

    -- $3, $4: the staging table is read once, for those rows alone
    EXECUTE format(
        'SELECT coalesce(jsonb_agg(jsonb_build_object('
        '''file_no'', v.file_no, ''file'', f.file_name, ''row_no'', v.row_no, '
        '''line_no'', coalesce(s.line_no, v.row_no + f.line_offset), ''message'', %1$s) '
        '|| (x.failure - ''{place,waits,message}''::text[]) '
        'ORDER BY x.place NULLS FIRST), ''[]'') '
        'FROM unnest($1, $2) AS x (failure, place) '
        'LEFT JOIN pgimport_staging.%2$I AS v ON v.place = x.place '
        'LEFT JOIN (SELECT r.* FROM pgimport_staging.%3$I AS r '
        'WHERE r.file_no = ANY ($3) AND r.row_no = ANY ($4)) AS s '
        'ON s.file_no = v.file_no AND s.row_no = v.row_no '
        'LEFT JOIN pgimport.file AS f ON f.job_id = $5 AND f.file_no = v.file_no',
        v_message,
        pgimport._staging_name(p_job.job_id, '_rehearsal'),
        pgimport._staging_name(p_job.job_id)
    ) INTO v_told USING v_failures, v_places, v_files, v_rows, p_job.job_id;

    RETURN v_told;
END;
$_rehearse_failures$;

COMMENT ON FUNCTION pgimport._rehearse_failures(pgimport.job, jsonb[], integer) IS
'internal: the failures of a rehearsal, each with its file, row and line.';
