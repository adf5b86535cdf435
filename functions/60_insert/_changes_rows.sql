-- Whether a table, or one of its partitions, has a trigger or a rule, which may change rows.
-- Called by _changes_rows and _write_rows.
CREATE OR REPLACE FUNCTION pgimport._has_code(
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_has_code$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.oid IN (SELECT pgimport._table_tree(p_relation))
            AND (
                c.relhasrules
                OR EXISTS (
                    SELECT FROM pg_trigger AS t
                    WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                )
            )
    );
END;
$_has_code$;

COMMENT ON FUNCTION pgimport._has_code(regclass) IS
'internal: whether a table has triggers or rules.';

-- Whether rows can look otherwise in the target than they were sent: because of a trigger or a
-- rule, or a default that is not known beforehand. When nothing can, what was sent is what was
-- inserted, and reading it back proves nothing more.
-- Called by _write_rows and _rehearse.
CREATE OR REPLACE FUNCTION pgimport._changes_rows(
    p_job pgimport.job,
    p_relation regclass
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_changes_rows$
BEGIN
    RETURN pgimport._has_code(p_relation) OR EXISTS (
        SELECT FROM pgimport._written_columns(p_job) AS c
        WHERE c.write_sql <> c.value_sql
            AND NOT pgimport._is_steady_default(p_relation, c.column_no, true)
    );
END;
$_changes_rows$;

COMMENT ON FUNCTION pgimport._changes_rows(pgimport.job, regclass) IS
'internal: whether a target can change values of rows on their way in.';
