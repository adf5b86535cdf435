-- Bytes on disk of what is staged of the jobs of a role, of a tenant, or of all: files, checked
-- values, marks. Before-images and fingerprints, by which a rollback is made, do not count. A file
-- that is still open counts with the size it was said to have, if that is more.
-- Of jobs that the caller may not see nothing is known. A table that another session is about to
-- change counts with its size of old, or that of its file: nobody waits here.
-- Called by _refuse_staged_bytes and list_limits.
CREATE OR REPLACE FUNCTION pgimport._staged_bytes(
    p_role_name text,
    p_tenant text
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_staged_bytes$
BEGIN
    RETURN (
        SELECT coalesce(sum(greatest(
            CASE
                WHEN s.oid = ANY (b.busy) THEN s.relpages * current_setting('block_size')::bigint
                ELSE pg_total_relation_size(s.oid)
            END,
            (
                SELECT f.bytes FROM pgimport.file AS f
                WHERE f.job_id = j.job_id AND f.staging_table = s.relname
                    AND (f.status = 'open' OR s.oid = ANY (b.busy))
            )
        )), 0)
        FROM (
            SELECT
                c.oid, c.relname, c.relpages,
                CASE WHEN c.relname ~ '^job_[0-9a-f]{32}_' THEN substr(c.relname, 5, 32) END AS job
            FROM pg_class AS c
            WHERE c.relnamespace = 'pgimport_staging'::regnamespace
                AND c.relkind = 'r'
                AND c.relname !~ '_(image|print)$'
        ) AS s
        INNER JOIN pgimport.job AS j ON j.job_id = s.job::uuid
        CROSS JOIN (
            SELECT array_agg(l.relation) AS busy
            FROM pg_locks AS l
            WHERE l.locktype = 'relation'
                AND l.mode = 'AccessExclusiveLock'
                AND l.pid <> pg_backend_pid()
                AND l.database = (
                    SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
                )
        ) AS b
        WHERE coalesce(p_role_name = j.owner_role, p_role_name IS NULL)
            AND coalesce(p_tenant = j.tenant, p_tenant IS NULL)
    );
END;
$_staged_bytes$;

COMMENT ON FUNCTION pgimport._staged_bytes(text, text) IS
'internal: bytes on disk of what is staged of the jobs of a role or tenant.';

-- Refuses a file that would bring a role or a tenant over what it may have staged: before it is
-- loaded by the size it is said to have, afterwards by what is there. Several sessions that open
-- files at the same moment do not see each other's.
-- Called by stage_file, finish_file and stage_relation. Raises PI606.
CREATE OR REPLACE FUNCTION pgimport._refuse_staged_bytes(
    p_job pgimport.job,
    p_bytes bigint DEFAULT 0
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_refuse_staged_bytes$
DECLARE
    v_bytes bigint;
    r_limit record;
BEGIN
    -- nearly always: nobody has set any
    IF NOT EXISTS (SELECT FROM pgimport.job_limit AS l WHERE l.staged_bytes IS NOT NULL) THEN
        RETURN;
    END IF;

    FOR r_limit IN
        SELECT l.role_name, l.tenant, l.staged_bytes
        FROM pgimport._limits_of(p_job) AS l WHERE l.staged_bytes IS NOT NULL
    LOOP
        v_bytes := pgimport._staged_bytes(r_limit.role_name, r_limit.tenant);
        IF v_bytes + coalesce(p_bytes, 0) > r_limit.staged_bytes THEN
            RAISE EXCEPTION USING
                ERRCODE = 'PI606',
                MESSAGE = format('%s of %s may be staged, no more: %s are, %s would come',
                    pg_size_pretty(r_limit.staged_bytes),
                    pgimport._limit_name(r_limit.role_name, r_limit.tenant),
                    pg_size_pretty(v_bytes), pg_size_pretty(coalesce(p_bytes, 0))),
                DETAIL = format('allowed: %s bytes; staged: %s; the file: %s',
                    r_limit.staged_bytes, v_bytes, coalesce(p_bytes, 0)),
                HINT = 'free the staged rows of finished jobs: '
                    'select pgimport.clear_staging(job_id); see select * from pgimport.list_limits();';
        END IF;
    END LOOP;
END;
$_refuse_staged_bytes$;

COMMENT ON FUNCTION pgimport._refuse_staged_bytes(pgimport.job, bigint) IS
'internal: refuses a file that brings a role or tenant over its limit of staged bytes (PI606).';
