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
        SELECT string_agg(d.definition, E'\n' ORDER BY d.definition)
        FROM (
            SELECT pg_get_constraintdef(c.oid) AS definition FROM pg_constraint AS c
            WHERE c.conrelid = v_relation
            UNION ALL
            SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i
            WHERE i.indrelid = v_relation AND (i.indisunique OR i.indisexclusion)
            UNION ALL
            SELECT pg_get_expr(a.adbin, a.adrelid) FROM pg_attrdef AS a
            WHERE a.adrelid = v_relation
        ) AS d
    ), ''));
END;
$_check_hash$;

COMMENT ON FUNCTION pgimport._check_hash(pgimport.job) IS
'internal: hash of the expressions and the key with which a job''s rows are checked and written.';
