-- Bytes of a relation with its indexes and its TOAST table. To be measured it has to be locked: 0
-- where somebody has it for himself, as who makes or drops it in a transaction still under way.
-- Called by run_maintenance and what it calls, with a short lock_timeout.
CREATE OR REPLACE FUNCTION pgimport._bytes_of(
    p_relation oid
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $_bytes_of$
BEGIN
    RETURN coalesce(pg_total_relation_size(p_relation), 0);
EXCEPTION
    WHEN lock_not_available THEN
        RETURN 0;
END;
$_bytes_of$;

COMMENT ON FUNCTION pgimport._bytes_of(oid) IS
'internal: bytes of a relation, 0 where somebody else has it for himself.';
