-- Finds the file that was imported before with the same bytes: in a completed job of this target
-- and tenant, or in this job. Called by stage_file. Raises PI304.
CREATE OR REPLACE FUNCTION pgimport._refuse_same_file(
    p_job pgimport.job,
    p_sha256 text,
    p_file_no integer
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_same_file$
DECLARE
    r_same record;
BEGIN
    SELECT f.job_id, f.file_name, f.file_no, j.status, j.completed_at INTO r_same
    FROM pgimport.file AS f
    INNER JOIN pgimport.job AS j ON j.job_id = f.job_id
    WHERE f.sha256 = p_sha256
        AND j.target_id = p_job.target_id
        AND j.tenant IS NOT DISTINCT FROM p_job.tenant
        AND f.status <> 'failed'
        AND (
            j.status = 'completed'
            OR (
                j.job_id = p_job.job_id
                AND f.file_no IS DISTINCT FROM p_file_no
                AND f.status IN ('open', 'staged')
            )
        )
    LIMIT 1;

    IF r_same.job_id IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI304',
            MESSAGE = format('these bytes are staged already as "%s" of job "%s"',
                r_same.file_name, r_same.job_id),
            DETAIL = format('sha256 %s; that job is %s%s', p_sha256, r_same.status,
                coalesce(format(' since %s', r_same.completed_at), '')),
            HINT = 'roll that job back first, or stage with {"force": true}';
    END IF;
END;
$_refuse_same_file$;

COMMENT ON FUNCTION pgimport._refuse_same_file(pgimport.job, text, integer) IS
'internal: refuses a file whose bytes are in a living job of the same target and tenant.';

-- Takes the next free number of a job for a file without waiting for files that other sessions
-- are opening at this moment: a number is claimed by an advisory lock, held to the end of the
-- transaction. Called by stage_file.
CREATE OR REPLACE FUNCTION pgimport._next_file_no(
    p_job_id uuid
)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_next_file_no$
DECLARE
    v_file_no integer;
BEGIN
    SELECT coalesce(max(f.file_no), 0) + 1 INTO v_file_no
    FROM pgimport.file AS f WHERE f.job_id = p_job_id;

    WHILE NOT pg_try_advisory_xact_lock(
        hashtextextended(format('pgimport file %s %s', p_job_id, v_file_no), 0)
    ) OR EXISTS (
        SELECT FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.file_no = v_file_no
    ) LOOP
        v_file_no := v_file_no + 1;
    END LOOP;

    RETURN v_file_no;
END;
$_next_file_no$;

COMMENT ON FUNCTION pgimport._next_file_no(uuid) IS
'internal: the next number for a file of a job, without waiting for other sessions.';

-- Opens a file of a job: decides its mapping, makes its staging table, says how to COPY into it.
-- With the option file_no a file is staged again, alone: its old rows are dropped first.
-- Called by users and the client, several sessions side by side.
-- Raises PI001, PI002, PI003, PI101, PI102, PI205, PI206, PI207, PI301, PI304, PI308.
CREATE OR REPLACE FUNCTION pgimport.stage_file(
    p_job_id uuid,
    p_file_name text,
    p_header text[],
    p_options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $stage_file$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_options jsonb := coalesce(nullif(p_options, 'null'), '{}');
    v_job pgimport.job := pgimport._lock_job(p_job_id, p_share => true);
    v_target pgimport.target;
    v_file_no integer;
    v_constants jsonb;
    v_table text;
    v_columns text;
    v_copy_columns text;
    v_delimiter text := coalesce(v_options ->> 'delimiter', ',');
    v_encoding text := upper(coalesce(v_options ->> 'encoding', 'UTF8'));
    v_has_header boolean;
    r_mapped record;
BEGIN
    PERFORM pgimport._require_status(
        v_job, '{pending,staging,staged,checked,failed,staging_lost}', 'given another file'
    );
    PERFORM pgimport._check_file_options(p_file_name, p_header, v_options);
    v_file_no := (v_options ->> 'file_no')::integer;
    v_has_header := coalesce((v_options ->> 'header')::boolean, true);

    SELECT t.* INTO STRICT v_target FROM pgimport.target AS t
    WHERE t.target_id = v_job.target_id;
    PERFORM pgimport._target_relation(v_target);

    IF v_options ? 'sha256' AND NOT coalesce((v_options ->> 'force')::boolean, false) THEN
        PERFORM pgimport._refuse_same_file(v_job, v_options ->> 'sha256', v_file_no);
    END IF;

    v_constants := coalesce(v_job.options -> 'constants', '{}');
    PERFORM pgimport._check_mapping(v_target.target_id, v_options -> 'mapping');
    SELECT m.* INTO STRICT r_mapped
    FROM pgimport._file_mapping(
        v_target,
        p_header,
        coalesce(v_job.mapping, '{}') || coalesce(v_options -> 'mapping', '{}'),
        v_constants
    ) AS m;

    -- a job that was checked, failed or lost its rows goes back to staging; one that is staging
    -- is left alone, so that nobody waits
    IF v_job.status NOT IN ('pending', 'staging') OR v_job.validated_at IS NOT NULL THEN
        PERFORM FROM pgimport.job WHERE job_id = p_job_id FOR NO KEY UPDATE;
        PERFORM pgimport._reset_check(p_job_id);
    END IF;

    IF v_file_no IS NULL THEN
        v_file_no := pgimport._next_file_no(p_job_id);
    ELSE
        PERFORM FROM pgimport.file AS f
        WHERE f.job_id = p_job_id AND f.file_no = v_file_no FOR UPDATE;
        IF NOT found THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI301',
                MESSAGE = format('job "%s" has no file %s', p_job_id, v_file_no),
                HINT = format('select pgimport.get_job(%L) -> ''files'';', p_job_id);
        END IF;
        PERFORM pgimport._drop_staging(p_job_id, v_file_no);
        DELETE FROM pgimport.issue AS i WHERE i.job_id = p_job_id AND i.file_no = v_file_no;
        DELETE FROM pgimport.file AS f WHERE f.job_id = p_job_id AND f.file_no = v_file_no;
    END IF;

    v_table := pgimport._staging_name(p_job_id, format('_f%s', v_file_no));
    SELECT
        string_agg(format('%I text', m ->> 'staged_as'), ', ' ORDER BY (m -> 'position')::integer),
        string_agg(format('%I', m ->> 'staged_as'), ', ' ORDER BY (m -> 'position')::integer)
    INTO v_columns, v_copy_columns
    FROM jsonb_array_elements(r_mapped.mapping) AS m;

    -- made alone and attached to the job's table only when the job is checked: a transaction that
    -- is loading one file must not hold a lock that another file waits for
    EXECUTE format(
        'CREATE %s TABLE pgimport_staging.%I ('
        'file_no integer NOT NULL DEFAULT %s CHECK (file_no = %s), '
        'row_no bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY, line_no bigint, %s'
        ') WITH (autovacuum_enabled = false)',
        CASE WHEN (v_job.options ->> 'durable')::boolean THEN '' ELSE 'UNLOGGED' END,
        v_table, v_file_no, v_file_no, v_columns
    );

    INSERT INTO pgimport.file (
        job_id, file_no, file_name, header, mapping, staging_table,
        sha256, bytes, encoding, delimiter, line_offset
    )
    VALUES (
        p_job_id, v_file_no, p_file_name, p_header, r_mapped.mapping, v_table,
        v_options ->> 'sha256', (v_options ->> 'bytes')::bigint, v_encoding, v_delimiter,
        coalesce((v_options ->> 'line_offset')::bigint, v_has_header::integer)
    );

    -- whoever is moving the job at this moment moves it to staging, too
    PERFORM FROM pgimport.job
    WHERE job_id = p_job_id AND status <> 'staging'
    FOR NO KEY UPDATE SKIP LOCKED;
    IF found THEN
        UPDATE pgimport.job SET status = 'staging', staged_at = NULL
        WHERE job_id = p_job_id RETURNING * INTO v_job;
    END IF;

    RETURN pgimport._envelope(
        v_job,
        format('file %s is open: "%s"', v_file_no, p_file_name),
        jsonb_build_object(
            'file_no', v_file_no,
            'mapping', r_mapped.mapping,
            'copy_sql', format(
                'COPY pgimport_staging.%I (%s) FROM STDIN WITH '
                '(FORMAT csv, HEADER %s, DELIMITER %L, ENCODING %L)',
                v_table, v_copy_columns, v_has_header::text, v_delimiter, v_encoding
            ),
            'row_copy_sql', format(
                'COPY pgimport_staging.%I (line_no, %s) FROM STDIN', v_table, v_copy_columns
            )
        ),
        r_mapped.warnings
    );
END;
$stage_file$;

COMMENT ON FUNCTION pgimport.stage_file(uuid, text, text[], jsonb) IS
'Opens a file of a job; keys: file_no, mapping, copy_sql (the COPY statement that loads it). '
'Options: sha256, bytes, encoding, delimiter, header, line_offset, mapping, force, file_no. '
'Example: select pgimport.stage_file(:''job'', ''a.csv'', ''{code,sku}'') ->> ''copy_sql''';
