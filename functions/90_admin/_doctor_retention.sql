-- Called by doctor().
CREATE OR REPLACE FUNCTION pgimport._doctor_retention()
RETURNS TABLE (
    what text,
    status text,
    found text,
    why text,
    mend text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doctor_retention$
#variable_conflict use_column
BEGIN
    RETURN;
END;
$_doctor_retention$;

COMMENT ON FUNCTION pgimport._doctor_retention() IS
'internal: whether tables that grow are kept small, for doctor().';
