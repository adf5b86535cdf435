-- What would hinder or slow imports, as far as the database knows: the installation, the rights of
-- the caller, settings, targets, jobs, staging, what holds the server back; each with the statement
-- or command that mends it. Changes nothing, and waits for nobody. Of jobs of others the caller is
-- told what it may see. verify_install() proves that the data of pgimport agree.
-- Called by users and by the command doctor.
CREATE OR REPLACE FUNCTION pgimport.doctor()
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $doctor$
#variable_conflict use_column
DECLARE
    v_part text;
    v_rows bigint;
BEGIN
    RETURN QUERY SELECT d.* FROM pgimport._doctor_install() AS d;
    RETURN QUERY SELECT d.* FROM pgimport._doctor_settings() AS d;
    FOREACH v_part IN ARRAY '{targets,jobs,staging,retention,old transactions}'::text[] LOOP
        CASE v_part
            WHEN 'targets' THEN
                RETURN QUERY SELECT d.* FROM pgimport._doctor_targets() AS d;
            WHEN 'jobs' THEN
                RETURN QUERY SELECT d.* FROM pgimport._doctor_jobs() AS d;
            WHEN 'staging' THEN
                RETURN QUERY SELECT d.* FROM pgimport._doctor_staging() AS d;
            WHEN 'retention' THEN
                RETURN QUERY SELECT d.* FROM pgimport._doctor_retention() AS d;
            ELSE
                RETURN QUERY SELECT d.* FROM pgimport._doctor_holds() AS d;
        END CASE;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows = 0 THEN
            RETURN QUERY VALUES (v_part, 'ok', 'nothing to mend', NULL::text, NULL::text);
        END IF;
    END LOOP;
END;
$doctor$;

COMMENT ON FUNCTION pgimport.doctor() IS
'Finds what would hinder or slow imports: installation, rights, settings, targets changed by DDL, '
'forgotten jobs and staging, retention, old transactions; status is ok, warning or problem, mend '
'the statement or command that mends it. '
'Example: select what, found, mend from pgimport.doctor() where status <> ''ok''';
