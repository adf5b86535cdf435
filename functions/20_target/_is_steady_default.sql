-- Whether a column's default is the same each time it is computed in a transaction: false for
-- nextval() and random numbers. p_builtin: and can be computed under any search_path, because no
-- function of a user is in it. Only a steady default is known before the row is written.
-- Called by _key_sql, _changes_rows and _staged_checksum.
CREATE OR REPLACE FUNCTION pgimport._is_steady_default(
    p_relation regclass,
    p_column_no integer,
    p_builtin boolean DEFAULT false
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- the same few catalog rows at every call: planning anew would take longer than reading them
SET plan_cache_mode = force_generic_plan
AS $_is_steady_default$
DECLARE
    v_functions oid[];
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_relation AND a.attnum = p_column_no AND a.attidentity <> ''
    ) THEN
        RETURN false;
    END IF;

    SELECT ARRAY(
        SELECT m.found[1]
        FROM regexp_matches(d.adbin::text, ':(?:op)?funcid ([0-9]+)', 'g') AS m (found)
    )::oid[] INTO v_functions
    FROM pg_attrdef AS d
    WHERE d.adrelid = p_relation AND d.adnum = p_column_no;

    -- it is the default of a domain, which is not looked into
    IF v_functions IS NULL AND p_builtin THEN
        RETURN false;
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM pg_proc AS p
        WHERE p.oid = ANY (v_functions)
            AND (
                p.provolatile = 'v'
                OR (p_builtin AND p.pronamespace <> 'pg_catalog'::regnamespace)
            )
    );
END;
$_is_steady_default$;

COMMENT ON FUNCTION pgimport._is_steady_default(regclass, integer, boolean) IS
'internal: whether a column''s default is the same each time it is computed.';
