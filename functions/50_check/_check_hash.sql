-- Hash of everything that decides how staged text becomes values: when it differs from the one the
-- rows were checked with, they must be checked again. Called by the check and the insert.
CREATE OR REPLACE FUNCTION pgimport._check_hash(
    p_job pgimport.job
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_check_hash$
DECLARE
    v_relation regclass := pgimport._job_relation(p_job);
BEGIN
    RETURN (
        SELECT md5(string_agg(c::text, E'\n' ORDER BY c.column_no))
        FROM pgimport._written_columns(p_job) AS c
    ) || md5((
        SELECT string_agg(k::text, E'\n' ORDER BY k.key_position)
        FROM pgimport._key_columns(p_job.target_id) AS k
    )) || md5(coalesce((
        SELECT string_agg(concat_ws(E'\t', c.code, c.detail, c.skipped), E'\n' ORDER BY c.code)
        FROM (
            SELECT f.code, f.detail, f.skipped
            FROM pgimport._constraints(p_job, v_relation) AS f
            UNION ALL
            SELECT u.code, u.detail, u.skipped
            FROM pgimport._unique_constraints(p_job, v_relation) AS u
        ) AS c
    ), ''));
END;
$_check_hash$;

COMMENT ON FUNCTION pgimport._check_hash(pgimport.job) IS
'internal: hash of the expressions and the key with which a job''s rows are checked and written.';
