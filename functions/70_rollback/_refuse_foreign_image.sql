-- Whether row-level security of a table holds a role.
-- Called by _refuse_foreign_image.
CREATE OR REPLACE FUNCTION pgimport._is_held(
    p_role oid,
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_is_held$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.oid = p_relation
            AND c.relrowsecurity
            AND (c.relforcerowsecurity OR NOT pg_has_role(p_role, c.relowner, 'USAGE'))
    ) AND NOT EXISTS (
        SELECT FROM pg_roles AS r WHERE r.oid = p_role AND (r.rolsuper OR r.rolbypassrls)
    );
END;
$_is_held$;

COMMENT ON FUNCTION pgimport._is_held(oid, regclass) IS
'internal: whether row-level security of a table holds a role.';

-- Before-images belong to the job's owner, who may write into them what he likes; whoever else
-- rolls the job back puts them into the target with rights of his own. Refuses what its owner could
-- not have done by an UPDATE himself: columns he may not write, rows that row-level security keeps
-- from him. The tables are locked first: what is looked at is what is read.
-- Called by rollback_job and redo_job before images or fingerprints are read. Raises PI602.
CREATE OR REPLACE FUNCTION pgimport._refuse_foreign_image(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_refuse_foreign_image$
DECLARE
    v_owner oid;
    v_table text;
    v_why text;
BEGIN
    IF p_job.owner_role = current_user THEN
        RETURN;
    END IF;

    FOR v_table IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'pgimport_staging'::regnamespace
            AND c.relname IN (
                pgimport._staging_name(p_job.job_id, '_print'),
                pgimport._staging_name(p_job.job_id, '_image')
            )
        ORDER BY c.relname
    LOOP
        EXECUTE format('LOCK TABLE pgimport_staging.%I IN ROW EXCLUSIVE MODE', v_table);
    END LOOP;
    PERFORM pgimport._refuse_foreign_staging(p_job);

    IF to_regclass(format(
        'pgimport_staging.%I', pgimport._staging_name(p_job.job_id, '_image')
    )) IS NULL THEN
        RETURN;
    END IF;

    SELECT r.oid INTO v_owner FROM pg_roles AS r WHERE r.rolname = p_job.owner_role;
    v_why := CASE
        WHEN v_owner IS NULL THEN 'that role is gone'
        WHEN NOT has_table_privilege(v_owner, p_relation, 'SELECT')
            OR EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = p_relation
                    AND a.attname = ANY (p_job.updated_columns)
                    AND NOT a.attisdropped
                    AND NOT has_column_privilege(v_owner, p_relation, a.attnum, 'UPDATE')
            )
            THEN 'that role may not read the table and update these columns itself'
        WHEN pgimport._is_held(v_owner, p_relation)
            THEN 'row-level security of the table keeps rows from that role'
    END;

    IF v_why IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI602',
            MESSAGE = format(
                'the before-images of job "%s" belong to "%s": "%s" does not put them back',
                p_job.job_id, p_job.owner_role, current_user
            ),
            DETAIL = format('%s; columns: %s', v_why, array_to_string(p_job.updated_columns, ', ')),
            HINT = format('SET ROLE %I;', p_job.owner_role);
    END IF;
END;
$_refuse_foreign_image$;

COMMENT ON FUNCTION pgimport._refuse_foreign_image(pgimport.job, regclass) IS
'internal: refuses before-images by which the owner of a job would gain rights he has not.';
