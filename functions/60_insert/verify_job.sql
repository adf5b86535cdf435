-- How many rows that a rollback kept carry the id of a job and are not its own any more.
-- Called by verify_job.
CREATE OR REPLACE FUNCTION pgimport._kept_rows(
    p_job pgimport.job
)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_kept_rows$
BEGIN
    RETURN (
        SELECT count(DISTINCT coalesce(k.key_hash, k.kept_no))
        FROM pgimport.kept_row AS k
        WHERE k.job_id = p_job.job_id
            AND k.kind = 'inserted'
            AND CASE
                -- by rollbacks of some rows since: these are still the job's
                WHEN p_job.status IN ('completed', 'inserting')
                    THEN k.kept_at < coalesce(p_job.completed_at, 'infinity')
                -- by rollbacks before a redo, and by the last one: those between are done with
                WHEN p_job.status = 'rolled_back' THEN (
                        p_job.redone > 0 AND k.kept_at < p_job.completed_at
                    ) OR (
                        p_job.rows_kept > 0
                        AND k.kept_at = (
                            SELECT max(l.kept_at) FROM pgimport.kept_row AS l
                            WHERE l.job_id = p_job.job_id
                        )
                    )
                ELSE true
            END
    );
END;
$_kept_rows$;

COMMENT ON FUNCTION pgimport._kept_rows(pgimport.job) IS
'internal: how many rows with the id of a job are not its own any more.';

-- What is there of the rows that a job inserted: all with its id that nobody declared deleted, how
-- many were rewritten but are as they were, how many were modified, and their checksum.
-- Called by verify_job.
CREATE OR REPLACE FUNCTION pgimport._verify_inserted(
    p_job pgimport.job,
    p_relation regclass,
    OUT rows_found bigint,
    OUT rewritten bigint,
    OUT modified bigint,
    OUT checksum text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
-- of rows and fingerprints the planner expects few, and there may be millions
SET enable_nestloop = off
SET jit = off
AS $_verify_inserted$
-- the fragments were quoted where they were made: @plpgsql_check_options: security_warnings = false
DECLARE
    v_untouched bigint;
    v_rest bigint;
    r_scope record;
BEGIN
    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, p_relation, '{}') AS s;

    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE %s), %s FROM %s AS t WHERE %s',
        r_scope.untouched,
        coalesce(
            pgimport._target_checksum_sql(p_relation, p_job.written_columns), 'NULL::text'
        ),
        p_relation,
        concat_ws(
            ' AND ',
            pgimport._plan_job_rows(p_job.rows_inserted, p_relation),
            pgimport._alive_sql(p_job.target_id, p_relation)
        )
    ) INTO rows_found, v_untouched, checksum USING p_job.job_id;
    rewritten := 0;
    modified := rows_found - v_untouched;

    IF modified > 0 AND p_job.status IN ('completed', 'inserting') THEN
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE q."pgimport state" = ''e''), count(*) FROM (%s) AS q',
            r_scope.rest
        ) INTO rewritten, v_rest;
        rows_found := v_untouched + v_rest;
        modified := v_rest - rewritten;
    END IF;
END;
$_verify_inserted$;

COMMENT ON FUNCTION pgimport._verify_inserted(pgimport.job, regclass) IS
'internal: what is there of the rows that a job inserted.';

-- What is there of the rows that a job updated and no rollback has restored.
-- Called by verify_job.
CREATE OR REPLACE FUNCTION pgimport._verify_updated(
    p_job pgimport.job,
    p_relation regclass,
    OUT rows_found bigint,
    OUT rewritten bigint,
    OUT modified bigint
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on
SET jit = off
AS $_verify_updated$
DECLARE
    r_scope record;
    r_found record;
BEGIN
    rows_found := 0;
    rewritten := 0;
    modified := 0;
    IF p_job.status NOT IN ('completed', 'inserting') OR coalesce(p_job.rows_updated, 0) = 0 THEN
        RETURN;
    END IF;

    SELECT s.* INTO STRICT r_scope
    FROM pgimport._rollback_scope(p_job, p_relation, '{}') AS s;
    IF r_scope.has_image THEN
        PERFORM pgimport._plan_keys(p_job.rows_updated, p_relation);
        SELECT c.* INTO STRICT r_found
        FROM pgimport._count_images(p_job, p_relation, r_scope, false) AS c;
        rewritten := r_found.equal;
        modified := r_found.modified;
        rows_found := r_found.untouched + rewritten + modified;
    END IF;
END;
$_verify_updated$;

COMMENT ON FUNCTION pgimport._verify_updated(pgimport.job, regclass) IS
'internal: what is there of the rows that a job updated.';

-- Compares what a job says with what is in the table: rows by job id and rows it updated, written
-- by nobody else since or as they were nevertheless, and the checksums of what was staged, what was
-- inserted and what is there now.
-- Called by users, at any time after the insert; changes nothing. Raises PI001, PI101, PI205,
-- PI602.
CREATE OR REPLACE FUNCTION pgimport.verify_job(
    p_job_id uuid
)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET transform_null_equals = off
SET array_nulls = on
SET bytea_output = 'hex'
SET xmloption = 'content'
SET lc_monetary = 'C'
SET row_security = on
AS $verify_job$
DECLARE
    v_job pgimport.job := pgimport._read_job(p_job_id);
    v_relation regclass;
    v_expected bigint;
    v_kept bigint;
    v_actual bigint;
    v_modified bigint;
    v_verified boolean;
    v_warnings jsonb := '[]'::jsonb;
    r_inserted record;
    r_updated record;
BEGIN
    v_relation := pgimport._job_relation(v_job);
    PERFORM pgimport._refuse_foreign_staging(v_job);
    PERFORM set_config('timezone', v_job.time_zone, true);
    v_kept := pgimport._kept_rows(v_job);
    -- a rollback of some rows leaves the job completed
    v_expected := CASE
        WHEN v_job.status IN ('completed', 'inserting') THEN v_job.rows_inserted - coalesce(v_job.rows_deleted, 0)
            + v_job.rows_updated - coalesce(v_job.rows_restored, 0)
        ELSE v_kept
    END;

    SELECT i.* INTO STRICT r_inserted FROM pgimport._verify_inserted(v_job, v_relation) AS i;
    SELECT u.* INTO STRICT r_updated FROM pgimport._verify_updated(v_job, v_relation) AS u;
    v_actual := r_inserted.rows_found + r_updated.rows_found;
    v_modified := r_inserted.modified + r_updated.modified;

    v_verified := v_actual = v_expected;
    IF v_job.status IN ('completed', 'inserting') THEN
        v_verified := v_verified AND v_modified = 0;
        -- the sum over all rows, so it says nothing where some of them are gone or people's
        IF v_job.partial_rollbacks = 0 AND v_kept = 0 THEN
            v_verified := v_verified
                AND r_inserted.checksum IS NOT DISTINCT FROM v_job.checksum_inserted;
        END IF;
        IF v_job.checksum_staged <> v_job.checksum_inserted THEN
            v_warnings := v_warnings || '["the table changed values on their way in, by triggers '
                'or defaults: the rows are as inserted, not as staged"]'::jsonb;
        END IF;
    END IF;

    RETURN pgimport._envelope(
        v_job,
        CASE WHEN v_verified
            THEN format('verified: %s, as expected', pgimport._count_of(v_actual, 'row'))
            ELSE format('not verified: %s expected, %s found, %s modified since',
                pgimport._count_of(v_expected, 'row'), v_actual, v_modified)
        END,
        jsonb_build_object(
            'verified', v_verified,
            'expected_count', v_expected,
            'actual_count', v_actual,
            'modified', v_modified,
            'rewritten', r_inserted.rewritten + r_updated.rewritten,
            'updated_found', r_updated.rows_found,
            'checksum_staged', v_job.checksum_staged,
            'checksum_inserted', v_job.checksum_inserted,
            'checksum_target', r_inserted.checksum
        ),
        v_warnings
    );
END;
$verify_job$;

COMMENT ON FUNCTION pgimport.verify_job(uuid) IS
'Compares a job with the table: verified, expected_count, actual_count, modified, rewritten (by '
'somebody, but as they were), updated_found (rows it updated, part of actual_count), '
'checksum_staged, checksum_inserted, checksum_target. A checksum is the sum of 64-bit hashes of '
'the rows it inserted. Example: select jsonb_pretty(pgimport.verify_job(:''job''))';
