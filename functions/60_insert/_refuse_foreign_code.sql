-- Refuses to let a superuser, or a role that row-level security does not hold, run the triggers of
-- a table that belongs to somebody else: they would run with that role's rights.
-- Called by insert_job and rollback_job. Raises PI602.
CREATE OR REPLACE FUNCTION pgimport._refuse_foreign_code(
    p_relation regclass,
    p_allowed boolean
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $_refuse_foreign_code$
DECLARE
    v_owner text;
    v_triggers text;
BEGIN
    IF p_allowed OR NOT EXISTS (
        SELECT FROM pg_roles AS r
        WHERE r.rolname = current_user AND (r.rolsuper OR r.rolbypassrls)
    ) THEN
        RETURN;
    END IF;

    SELECT o.rolname, string_agg(format('"%s"', t.tgname), ', ' ORDER BY t.tgname)
    INTO v_owner, v_triggers
    FROM pg_class AS c
    INNER JOIN pg_roles AS o ON o.oid = c.relowner
    INNER JOIN pg_trigger AS t ON NOT t.tgisinternal AND t.tgenabled <> 'D'
    WHERE c.oid = p_relation
        AND t.tgrelid IN (SELECT pgimport._table_tree(p_relation))
        AND o.rolname <> current_user
        AND NOT o.rolsuper
    GROUP BY o.rolname;

    IF v_owner IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'PI602',
            MESSAGE = format('role "%s" would run triggers of table "%s", which belongs to "%s"',
                current_user, p_relation, v_owner),
            DETAIL = format('triggers: %s', v_triggers),
            HINT = format('SET ROLE %I; or pass {"allow_superuser": true}', v_owner);
    END IF;
END;
$_refuse_foreign_code$;

COMMENT ON FUNCTION pgimport._refuse_foreign_code(regclass, boolean) IS
'internal: raises PI602 when a superuser would run the triggers of somebody else''s table.';
