-- SELECT of the rows that a rollback would delete: "pgimport rel", "pgimport ctid" and the columns
-- of the target; with p_all also those modified since. Called by _make_plan and _delete_rows.
CREATE OR REPLACE FUNCTION pgimport._doomed_sql(
    p_relation regclass,
    p_scope record,
    p_all boolean,
    p_rest bigint
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_doomed_sql$
BEGIN
    RETURN format(
        'SELECT t.tableoid AS "pgimport rel", t.ctid AS "pgimport ctid", t.* FROM %s AS t '
        'WHERE %s AND %s',
        p_relation, p_scope.carries, p_scope.untouched
    ) || CASE WHEN p_rest > 0 THEN format(
        ' UNION ALL SELECT q."pgimport rel", q."pgimport ctid"%s FROM (%s) AS q WHERE %s',
        (
            SELECT string_agg(format(', q.%I', a.attname), '' ORDER BY a.attnum)
            FROM pg_attribute AS a
            WHERE a.attrelid = p_relation AND a.attnum > 0 AND NOT a.attisdropped
        ),
        p_scope.rest,
        CASE WHEN p_all THEN 'true' ELSE 'q."pgimport state" = ''e''' END
    ) ELSE '' END;
END;
$_doomed_sql$;

COMMENT ON FUNCTION pgimport._doomed_sql(regclass, record, boolean, bigint) IS
'internal: SELECT of the rows that a rollback would delete.';
